import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditHouse } from '../sell/manifest-audit.ts'
import { counterSource } from './commands.ts'
import { brokenRules } from './invariants.ts'
import { hold, makeRequest } from './requests.ts'
import { postgresStand } from './stand.ts'

/** Bars that only a machine left alone can tell. */
const stand = await postgresStand()
const ids = counterSource()

test('an event of 80,000 seats is prepared within a second and audited within two', async () => {
  await stand.clear()
  const prepared = await secondsOf(() => stand.addEvent({ eventNo: 1, seatCount: 80_000, areas: [500, 700] }))
  const audited = await secondsOf(() => auditHouse(stand.database.db, 1))
  console.log(`prepared 80,000 seats in ${prepared.toFixed(2)} s, audited them in ${audited.toFixed(2)} s`)
  assert.ok(prepared < 1, `${prepared.toFixed(2)} s`)
  assert.ok(audited < 2, `${audited.toFixed(2)} s`)
})

test('15,000 holds that end in the same second are swept within 5 s', async () => {
  await stand.clear()
  await stand.addEvent({ eventNo: 1, seatCount: 30_000, areas: [] })
  const requests = Array.from({ length: 15_000 }, (_, i) => makeRequest(ids, { eventNo: 1, seats: [2 * i, 2 * i + 1] }))
  for (let from = 0; from < requests.length; from += 250) await hold(stand, requests.slice(from, from + 250))
  await stand.advance(600_000)
  let swept = 0
  const seconds = await secondsOf(async () => {
    for (let ended = -1; ended !== 0; swept += ended) ended = await stand.store.expireDue(500)
  })
  console.log(`swept 15,000 holds of 30,000 seats in ${seconds.toFixed(1)} s`)
  assert.equal(swept, 15_000)
  assert.ok(seconds < 5, `${seconds.toFixed(1)} s`)
  assert.deepEqual(brokenRules(await stand.tables(), stand.now()), [])
})

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return (performance.now() - startedAt) / 1000
}
