import { eventLoopOrder, type Scheduler, seededScheduler } from '#platform/memory/scheduler.ts'
import type { Race } from './reservation-store.contract.ts'

/** Lets the tasks of a race take their steps in an order decided by chance, and everything else as it comes. */
export function turnByTurn(fraction: () => number): { scheduler: Scheduler; race: Race } {
  let order: Scheduler = eventLoopOrder
  return {
    scheduler: { turn: label => order.turn(label) },
    async race(tasks) {
      const seeded = seededScheduler(fraction)
      order = seeded
      try {
        await seeded.run(tasks)
      } finally {
        order = eventLoopOrder
      }
      return { lockedEvents: [] }
    },
  }
}
