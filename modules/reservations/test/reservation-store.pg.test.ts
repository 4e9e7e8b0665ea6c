import { test } from 'node:test'
import fc from 'fast-check'
import { type Barrier, crowdAt } from './crowd.ts'
import { meetingAt } from './meeting.ts'
import { assertAgree, assertSerial, holds, rounds, sequence } from './reservation-store.contract.ts'
import { memoryStand, postgresStand } from './stand.ts'

const file = 'modules/reservations/test/reservation-store.pg.test.ts'
const stand = await postgresStand()
const meeting = await meetingAt(stand)

test('one command after the other, PostgreSQL and its twin answer alike and end with the same tables', () =>
  holds(
    fc.asyncProperty(sequence, drafts => assertAgree(stand, memoryStand({ nowMs: stand.now() }), drafts)),
    { runs: 12, file },
  ))

const barrier = fc.record<Barrier>({
  seats: fc.subarray([0, 1, 2, 3, 4]),
  areas: fc.boolean(),
  reservations: fc.constantFrom(true, false, false),
})

test('many commands at once, PostgreSQL answers as if they had come one after the other', () =>
  holds(
    fc.asyncProperty(rounds, barrier, (drawn, rows) => assertSerial(stand, crowdAt(meeting, rows), drawn)),
    { runs: 20, file },
  ))
