import type { Random } from '#kernel/random.ts'

/** All the chance of one run, from its seed. */
export class Chance implements Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** mulberry32: 32 bits of state are enough for a run, and it is fast. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    for (let i = 0; i < length; i++) bytes[i] = Math.floor(this.fraction() * 256)
    return bytes
  }

  /** From 0 to `below`, without it. */
  int(below: number): number {
    return Math.floor(this.fraction() * below)
  }

  between(least: number, most: number): number {
    return least + this.fraction() * (most - least)
  }

  happens(probability: number): boolean {
    return this.fraction() < probability
  }

  any<T>(items: readonly T[]): T {
    return items[this.int(items.length)]!
  }

  /** A stream of its own: what one part draws does not change what another part meets. */
  fork(): Chance {
    return new Chance(Math.floor(this.fraction() * 2 ** 32))
  }
}
