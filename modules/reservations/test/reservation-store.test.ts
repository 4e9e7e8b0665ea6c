import { test } from 'node:test'
import fc from 'fast-check'
import { eventLoopOrder, type Scheduler, seededScheduler } from '#platform/memory/scheduler.ts'
import { chance } from './chance.ts'
import { assertSerial, holds, rounds } from './reservation-store.contract.ts'
import { memoryStand } from './stand.ts'

const file = 'modules/reservations/test/reservation-store.test.ts'

test('whatever the scheduler lets go next, the twin answers as if commands had come one after the other', () =>
  holds(
    fc.asyncProperty(rounds, fc.nat(), async (drawn, seed) => {
      let order: Scheduler = eventLoopOrder
      const stand = memoryStand({ scheduler: { turn: label => order.turn(label) } })
      const fraction = chance(seed)
      await assertSerial(
        stand,
        async tasks => {
          const seeded = seededScheduler(fraction)
          order = seeded
          await seeded.run(tasks)
          order = eventLoopOrder
          return { lockedEvents: [] }
        },
        drawn,
      )
    }),
    { runs: 60, file },
  ))
