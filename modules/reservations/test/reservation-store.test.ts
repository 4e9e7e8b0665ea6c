import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OutcomeUnknown, RetryableFault } from '#kernel/faults.ts'
import type { CommitFate } from '#platform/memory/faults.ts'
import { seats } from '../memory/tables.ts'
import { chance } from './chance.ts'
import { counterSource } from './commands.ts'
import { keepsItsPromises } from './promises.ts'
import { hold, makeRequest, tryHold } from './requests.ts'
import { assertSerial, holds, rounds } from './reservation-store.contract.ts'
import { memoryStand } from './stand.ts'
import { turnByTurn } from './turn-by-turn.ts'

const file = 'modules/reservations/test/reservation-store.test.ts'
const ids = counterSource()

test('whatever the scheduler lets go next, the twin answers as if commands had come one after the other', () =>
  holds(
    fc.asyncProperty(rounds, fc.nat(), (drawn, seed) => {
      const { scheduler, race } = turnByTurn(chance(seed))
      return assertSerial(memoryStand({ scheduler }), race, drawn)
    }),
    { runs: 200, file },
  ))

keepsItsPromises(async () => memoryStand())

for (const [fate, kind] of [
  ['lose-answer', 'replayed'],
  ['lose-request', 'held'],
] as const)
  test(`an unknown commit sent again makes one reservation (${fate})`, async () => {
    let next: CommitFate = 'commit'
    const stand = memoryStand({ faults: { onCommit: () => next } })
    await stand.clear()
    await stand.addEvent({ eventNo: 1, seatCount: 5, areas: [] })
    const batch = [makeRequest(ids, { eventNo: 1, seats: [1] })]
    next = fate
    await assert.rejects(tryHold(stand, batch), OutcomeUnknown)
    next = 'commit'
    const [outcome] = await tryHold(stand, batch)
    assert.equal(outcome!.kind, kind)
    assert.equal((await stand.tables()).reservations.length, 1)
  })

test('a batch that the database undid may be sent again', async () => {
  let next: CommitFate = 'commit'
  const stand = memoryStand({ faults: { onCommit: () => next } })
  await stand.clear()
  await stand.addEvent({ eventNo: 1, seatCount: 5, areas: [] })
  const batch = [makeRequest(ids, { eventNo: 1, seats: [1] })]
  next = 'abort'
  await assert.rejects(tryHold(stand, batch), RetryableFault)
  next = 'commit'
  await hold(stand, batch)
})

test('a busy seat is not a taken seat', async () => {
  const stand = memoryStand()
  await stand.clear()
  await stand.addEvent({ eventNo: 1, seatCount: 5, areas: [] })
  const wanted = [makeRequest(ids, { eventNo: 1, seats: [0, 1] }), makeRequest(ids, { eventNo: 1, seats: [2] })]
  await stand.db.connect('other').transaction('look', async tx => {
    await tx.lock(seats, { where: seat => seat.seatNo === 1 })
    const outcomes = await tryHold(stand, wanted)
    assert.deepEqual(
      outcomes.map(outcome => outcome.kind),
      ['busy', 'held'],
    )
  })
  await hold(stand, wanted.slice(0, 1))
})
