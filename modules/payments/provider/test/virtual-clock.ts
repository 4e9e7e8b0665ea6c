import type { Clock } from '#kernel/clock.ts'

/** A clock that stands still until it is told how far to go. Whoever sleeps is woken in the order of their times. */
export class VirtualClock implements Clock {
  #time = 0
  #sleepers: { until: number; wake: () => void }[] = []

  now(): number {
    return Date.UTC(2026, 4, 1) + this.#time
  }

  monotonic(): number {
    return this.#time
  }

  sleep(ms: number): Promise<void> {
    return new Promise(wake => this.#sleepers.push({ until: this.#time + ms, wake }))
  }

  /** Goes on by `ms`, stopping wherever somebody wakes up, until what they set off has come to rest. */
  async pass(ms: number): Promise<void> {
    const end = this.#time + ms
    await rest()
    for (;;) {
      this.#sleepers.sort((a, b) => a.until - b.until)
      const next = this.#sleepers[0]
      if (next === undefined || next.until > end) break
      this.#sleepers.shift()
      this.#time = Math.max(this.#time, next.until)
      next.wake()
      await rest()
    }
    this.#time = end
  }
}

/** Promises that are settled already have run their course when a macrotask does. */
function rest(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
