import { spread, textHash } from '#kernel/hashes.ts'

/**
 * Which users may have a reservation in an event: 4 bytes a user instead of the 100 of a Set of strings, because fifty
 * sold-out arenas remember a million of them. It may say yes for a stranger (1 in some 100,000 at 30,000 users), who is then
 * answered by the database instead of from memory; it never says no for one it was given.
 */
export class UserSet {
  #slots = new Uint32Array(64)
  #size = 0

  add(userId: string): void {
    if (this.has(userId)) return
    if ((this.#size + 1) * 2 > this.#slots.length) this.#grow()
    this.#put(fingerprint(userId))
    this.#size++
  }

  has(userId: string): boolean {
    const mark = fingerprint(userId)
    const mask = this.#slots.length - 1
    for (let at = spread(mark) & mask; this.#slots[at] !== 0; at = (at + 1) & mask)
      if (this.#slots[at] === mark) return true
    return false
  }

  #put(mark: number): void {
    const mask = this.#slots.length - 1
    let at = spread(mark) & mask
    while (this.#slots[at] !== 0) at = (at + 1) & mask
    this.#slots[at] = mark
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = new Uint32Array(old.length * 2)
    for (const mark of old) if (mark !== 0) this.#put(mark)
  }
}

/** 0 marks an empty slot. */
function fingerprint(text: string): number {
  return textHash(text) || 1
}
