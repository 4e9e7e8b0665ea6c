import { setImmediate } from 'node:timers/promises'
import { Bug } from '#kernel/assert.ts'
import type { Clock } from '#kernel/clock.ts'
import type { Scheduler } from '#platform/memory/scheduler.ts'
import type { Chance } from './chance.ts'

type Step = { label: string; go: () => void }
type Sleeper = { at: number; order: number; wake: () => void }

/**
 * Virtual time, and who goes next. Everything that waits, waits here: for its turn or for a time. One after the other is let go, chosen
 * by chance among those who could; when nobody can, time jumps to whoever wakes first. One seed is one order.
 */
export class Timeline implements Clock, Scheduler {
  readonly trace: string[] = []
  steps = 0
  readonly #chance: Chance
  readonly #startMs: number
  readonly #keepTrace: boolean
  #elapsed = 0
  #order = 0
  #ready: Step[] = []
  #sleepers: Sleeper[] = []
  #failure: unknown = null

  constructor({ chance, startMs, keepTrace }: { chance: Chance; startMs: number; keepTrace: boolean }) {
    this.#chance = chance
    this.#startMs = startMs
    this.#keepTrace = keepTrace
  }

  now(): number {
    return this.#startMs + this.#elapsed
  }

  monotonic(): number {
    return this.#elapsed
  }

  turn(label: string): Promise<void> {
    return new Promise(go => void this.#ready.push({ label, go }))
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const sleeper = { at: Math.ceil(this.#elapsed + Math.max(0, ms)), order: this.#order++, wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener(
        'abort',
        () => {
          this.#sleepers = this.#sleepers.filter(other => other !== sleeper)
          reject(signal.reason)
        },
        { once: true },
      )
    })
  }

  /** A task nobody awaits. What it throws ends the run. */
  start(work: () => Promise<unknown>): void {
    work().catch(error => {
      this.#failure ??= error
    })
  }

  /** Goes on until virtual time is `until` (as `now` tells it), or until `isDone`. */
  async run({ until, isDone = () => false }: { until: number; isDone?: () => boolean }): Promise<void> {
    for (;;) {
      await this.#quiet()
      if (this.#failure !== null) throw this.#failure
      if (isDone()) return
      if (this.#ready.length > 0) this.#letGo()
      else if (!this.#pass(until - this.#startMs)) return
      if (++this.steps > stepsMax) throw new Bug(`no end after ${stepsMax} steps`)
    }
  }

  /**
   * Resolves when whatever can go on without us has gone on: a tick comes after all promises, and costs a fifth of a turn of the event
   * loop. That must turn now and then, or nothing that is weakly held is ever let go.
   */
  #quiet(): Promise<void> {
    return this.steps % 1000 === 0 ? setImmediate() : new Promise(resolve => process.nextTick(resolve))
  }

  note(what: string): void {
    if (this.#keepTrace) this.trace.push(`${(this.#elapsed / 1000).toFixed(3).padStart(9)}  ${what}`)
  }

  #letGo(): void {
    const at = this.#chance.int(this.#ready.length)
    const step = this.#ready[at]!
    this.#ready[at] = this.#ready.at(-1)!
    this.#ready.pop()
    this.note(step.label)
    step.go()
  }

  /** Jumps to the next who wakes; false when that is not before `until`. */
  #pass(until: number): boolean {
    let next: Sleeper | undefined
    for (const sleeper of this.#sleepers)
      if (next === undefined || sleeper.at < next.at || (sleeper.at === next.at && sleeper.order < next.order))
        next = sleeper
    if (next === undefined || next.at >= until) {
      this.#elapsed = Math.max(this.#elapsed, until)
      return false
    }
    this.#sleepers = this.#sleepers.filter(other => other !== next)
    this.#elapsed = Math.max(this.#elapsed, next.at)
    next.wake()
    return true
  }
}

const stepsMax = 200_000
