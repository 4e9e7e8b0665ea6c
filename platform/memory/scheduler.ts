import { setImmediate } from 'node:timers/promises'
import { assert } from '#kernel/assert.ts'

/**
 * Every point at which a transaction of the memory database can be overtaken goes through here: before each statement, after a
 * wait for a lock, before and after the commit. Whoever implements it decides who goes next.
 */
export interface Scheduler {
  /** Resolves when it is the caller's turn. `label` says what it is about to do. */
  turn(label: string): Promise<void>
}

/** Everybody goes at once, in the order of the event loop. */
export const eventLoopOrder: Scheduler = { turn: () => Promise.resolve() }

export type SeededScheduler = Scheduler & {
  /**
   * Starts all tasks and lets one after the other take its next step, chosen by chance, until all have ended. The same
   * `fraction` gives the same run.
   *
   * @throws Bug when tasks are left that nothing will wake
   */
  run<T>(tasks: readonly (() => Promise<T>)[]): Promise<PromiseSettledResult<T>[]>
  /** What was done, in order; for the message of a failure. */
  readonly trace: readonly string[]
}

export function seededScheduler(fraction: () => number): SeededScheduler {
  const ready: { label: string; go: () => void }[] = []
  const trace: string[] = []
  return {
    trace,
    turn: label => new Promise(go => void ready.push({ label, go })),
    async run(tasks) {
      let running = tasks.length
      const ended = tasks.map(task => task().finally(() => running--))
      const settled = Promise.allSettled(ended)
      for (;;) {
        // All promises that can go on without us do so before this resolves.
        await setImmediate()
        if (running === 0) return settled
        assert(ready.length > 0, 'while a task runs, somebody can take a step')
        const [next] = ready.splice(Math.floor(fraction() * ready.length), 1)
        trace.push(next!.label)
        next!.go()
      }
    },
  }
}
