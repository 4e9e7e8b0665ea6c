import { test } from 'node:test'
import fc from 'fast-check'
import { chance } from './chance.ts'
import { assertSerial, holds, rounds } from './reservation-store.contract.ts'
import { memoryStand } from './stand.ts'
import { turnByTurn } from './turn-by-turn.ts'

const file = 'modules/reservations/test/reservation-store.test.ts'

test('whatever the scheduler lets go next, the twin answers as if commands had come one after the other', () =>
  holds(
    fc.asyncProperty(rounds, fc.nat(), (drawn, seed) => {
      const { scheduler, race } = turnByTurn(chance(seed))
      return assertSerial(memoryStand({ scheduler }), race, drawn)
    }),
    { runs: 150, file },
  ))
