import type { SharedBody } from './shared-body.ts'

/** Compressed copies are made later and not counted: they are an eighth. */
const bytesMax = 16 * 1024 * 1024

/**
 * The bodies of sections that somebody asked for lately, of all events together. An arena has 92 of 36 KB: those of 50 events
 * would take half of the memory this process may have, and nobody looks at most of them.
 */
export class KeptBodies<Kept extends { body: SharedBody }> {
  readonly #bytesMax: number
  /** In order of last use. */
  readonly #kept = new Map<string, Kept>()
  #bytes = 0

  constructor(most = bytesMax) {
    this.#bytesMax = most
  }

  get(key: string): Kept | null {
    const found = this.#kept.get(key)
    if (found === undefined) return null
    this.#kept.delete(key)
    this.#kept.set(key, found)
    return found
  }

  set(key: string, kept: Kept): void {
    this.#forget(key)
    this.#kept.set(key, kept)
    this.#bytes += kept.body.plain.length
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#bytesMax) break
      this.#forget(oldest)
    }
  }

  #forget(key: string): void {
    this.#bytes -= this.#kept.get(key)?.body.plain.length ?? 0
    this.#kept.delete(key)
  }
}
