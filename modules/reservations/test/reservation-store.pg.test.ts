import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OutcomeUnknown } from '#kernel/faults.ts'
import { openDatabase } from '#platform/postgres/database.ts'
import { createPostgresStore } from '../postgres-store.ts'
import { counterSource, extensionSeconds } from './commands.ts'
import { type Barrier, crowdAt } from './crowd.ts'
import { brokenRules } from './invariants.ts'
import { lossyLine } from './lossy-line.ts'
import { meetingAt } from './meeting.ts'
import { keepsItsPromises } from './promises.ts'
import { hold, makeRequest, tryHold } from './requests.ts'
import { assertAgree, assertSerial, holds, rounds, sequence } from './reservation-store.contract.ts'
import { memoryStand, origin, postgresStand } from './stand.ts'

const file = 'modules/reservations/test/reservation-store.pg.test.ts'
const stand = await postgresStand()
const meeting = await meetingAt(stand)
const ids = counterSource()

test('one command after the other, PostgreSQL and its twin answer alike and end with the same tables', () =>
  holds(
    fc.asyncProperty(sequence, drafts => assertAgree(stand, memoryStand({ nowMs: stand.now() }), drafts)),
    { runs: 15, file },
  ))

const barrier = fc.record<Barrier>({
  seats: fc.subarray([0, 1, 2, 3, 4]),
  areas: fc.boolean(),
  reservations: fc.constantFrom(true, false, false),
})

test('many commands at once, PostgreSQL answers as if they had come one after the other', () =>
  holds(
    fc.asyncProperty(rounds, barrier, (drawn, rows) => assertSerial(stand, crowdAt(meeting, rows), drawn)),
    { runs: 25, file },
  ))

keepsItsPromises(async () => stand)

async function openSale(seatCount = 10): Promise<void> {
  await stand.clear()
  await stand.addEvent({ eventNo: 1, seatCount, areas: [] })
}

for (const careful of [false, true])
  test(`a busy seat is not a taken seat (${careful ? 'careful' : 'fast'})`, async () => {
    await openSale()
    await meeting.query('select from holdfast.seats where seat_no = 1 for update')
    const wanted = [makeRequest(ids, { eventNo: 1, seats: [0, 1] }), makeRequest(ids, { eventNo: 1, seats: [2] })]
    const outcomes = await tryHold(stand, wanted, { careful })
    assert.deepEqual(
      outcomes.map(outcome => outcome.kind),
      ['busy', 'held'],
    )
    await meeting.rollback()
    await hold(stand, wanted.slice(0, 1))
  })

test('a batch whose answer was lost is unknown, and sent again it makes one reservation', async t => {
  await openSale()
  const line = await lossyLine(stand.database.url)
  const db = openDatabase({ url: line.url, max: 1, name: 'lossy' })
  t.after(async () => {
    await db.close()
    await line.close()
  })
  const store = createPostgresStore({ db, origin })
  const batch = [makeRequest(ids, { eventNo: 1, seats: [1] })]
  await db.query('select 1')
  line.loseNextAnswer()
  await assert.rejects(store.holdBatch(batch), OutcomeUnknown)
  // The server may still be at it: then the seat is busy, or the key not seen yet.
  let outcome = (await store.holdBatch(batch)).outcomes[0]!
  while (outcome.kind === 'busy' || outcome.kind === 'again') outcome = (await store.holdBatch(batch)).outcomes[0]!
  assert.match(outcome.kind, /^(held|replayed)$/)
  const tables = await stand.tables()
  assert.equal(tables.reservations.length, 1)
  assert.deepEqual(brokenRules(tables, stand.now()), [])
})

test('a change whose commit was not answered is unknown, never reported as undone', async t => {
  await openSale()
  const line = await lossyLine(stand.database.url)
  const db = openDatabase({ url: line.url, max: 1, name: 'lossy' })
  t.after(async () => {
    await db.close()
    await line.close()
  })
  const held = makeRequest(ids, { eventNo: 1, seats: [1] })
  await hold(stand, [held])
  const losing = db.transaction(async tx => {
    await tx.query('select from holdfast.seats where seat_no = 1 for update')
    line.loseNextAnswer()
  })
  await assert.rejects(losing, OutcomeUnknown)
})

test('an extension waits for a sweeper and finds its hold ended', async () => {
  await openSale()
  const held = makeRequest(ids, { eventNo: 1, seats: [1] })
  await hold(stand, [held])
  await stand.advance(600_000)
  await meeting.query('select holdfast.expire_due(10, $1)', [origin])
  const extending = stand.store.extend({ ...held, extensionSeconds })
  await meeting.untilWaiting(1)
  await meeting.commit()
  const outcome = await extending
  assert.ok(!outcome.ok && outcome.code === 'reservation-expired')
})

test('a sweep goes on until nothing is left, a limited number at a time', async () => {
  await openSale(400)
  const requests = Array.from({ length: 200 }, (_, i) => makeRequest(ids, { eventNo: 1, seats: [2 * i, 2 * i + 1] }))
  await hold(stand, requests)
  await stand.advance(600_000)
  const ended = []
  while (ended.at(-1) !== 0) ended.push(await stand.store.expireDue(90))
  assert.deepEqual(ended, [90, 90, 20, 0])
  assert.deepEqual(brokenRules(await stand.tables(), stand.now()), [])
})

test('an event is prepared with what is set aside from the start', async () => {
  await stand.clear()
  await stand.addEvent({ eventNo: 1, seatCount: 3, areas: [5, 7], blocked: [{ seatNo: 2, reason: 'sound desk' }] })
  const { seats, seatBlocks, areas } = await stand.tables()
  assert.deepEqual(
    seats.map(seat => seat.status),
    ['available', 'available', 'blocked'],
  )
  assert.deepEqual(seatBlocks, [{ eventNo: 1, seatNo: 2, reason: 'sound desk' }])
  assert.deepEqual(
    areas.map(area => area.available),
    [5, 7],
  )
})
