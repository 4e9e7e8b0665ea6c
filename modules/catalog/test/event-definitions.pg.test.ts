import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event, SeatMapImported, Venue } from '#contracts/catalog.ts'
import { RetryableFault } from '#kernel/faults.ts'
import type { Queryable, Statement } from '#platform/postgres/database.ts'
import { EventDefinitions } from '../events/event-definitions.ts'
import { SeatMaps } from '../seat-map/seat-maps.ts'
import { smallPlan } from '../seat-map/test/plans.ts'
import { catalogServer } from './catalog-server.ts'

const { db, request } = await catalogServer()
const write = async <T>(method: 'POST' | 'PATCH', url: string, body: object, headers = {}) =>
  (await request(method, url, { role: 'organizer', body, headers })).json() as T
const venue = await write<Venue>('POST', '/v1/venues', { name: 'V', city: 'C', country: 'CH', timezone: 'UTC' })
const map = await write<SeatMapImported>('POST', `/v1/venues/${venue.venue_id}/seatmaps`, smallPlan())
const event = await write<Event>('POST', '/v1/events', {
  venue_id: venue.venue_id,
  seatmap_id: map.seatmap_id,
  name: 'Watched',
  starts_at: '2031-01-01T00:00:00Z',
  currency: 'CHF',
  price_levels: [
    { price_level: 'Front', amount: 2 },
    { price_level: 'Back', amount: 1 },
  ],
})
await write('POST', `/v1/events/${event.event_id}/onsale`, { action: 'open' })
let artists = 0
const change = () =>
  write<Event>('PATCH', `/v1/events/${event.event_id}`, { artist: `A${++artists}` }, { 'if-match': '*' })

/** Another process: its own memory, its own clock, and a look at how often it asks. */
function otherProcess() {
  let now = 0
  let isAway = false
  let delayed = Promise.resolve()
  const asked: string[] = []
  const watched: Queryable = {
    query: async <Row extends object>(statement: string | Statement, values?: unknown[]) => {
      asked.push(String(statement))
      if (isAway) throw new RetryableFault('away')
      const result = await db.query<Row>(statement, values)
      await delayed
      return result
    },
  }
  const clock = { now: () => Date.now(), monotonic: () => now, sleep: () => Promise.resolve() }
  const definitions = new EventDefinitions({ db: watched, seatMaps: new SeatMaps(watched), clock })
  return {
    definitions,
    asked,
    pass: (ms: number) => {
      now += ms
    },
    lose: () => {
      isAway = true
    },
    /** Answers are read now and arrive when the returned function is called. */
    delay: () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      delayed = promise
      return resolve
    },
  }
}

test('an event is read once, however many ask for it at the same time', async () => {
  const { definitions, asked } = otherProcess()
  const all = await Promise.all(Array.from({ length: 20 }, () => definitions.byId(event.slug)))
  assert.ok(all.every(one => one === all[0] && one?.eventId === event.event_id))
  assert.equal(
    asked.filter(text => text.includes('from holdfast.events') || text.includes('join holdfast.events')).length,
    1,
  )
  assert.equal(definitions.cached(event.event_id), all[0])
})

test('a change made elsewhere is given out after the next look, at the latest when the copy is five seconds old', async () => {
  const { definitions, pass } = otherProcess()
  const before = (await definitions.byId(event.event_id))!
  await change()
  assert.equal(await definitions.byId(event.event_id), before)
  pass(1001)
  assert.equal(definitions.cached(event.event_id), undefined)
  assert.equal(await definitions.byId(event.event_id), before)
  pass(5000)
  assert.equal((await definitions.byId(event.event_id))!.version, before.version + 1)
})

test('whoever hears of a change reads it at once', async () => {
  const { definitions } = otherProcess()
  const before = (await definitions.byId(event.event_id))!
  await change()
  assert.equal((await definitions.refresh(before.eventNo))!.version, before.version + 1)
  assert.equal(definitions.cached(event.slug)!.version, before.version + 1)
})

test('a read that began before a change does not bring the old version back', async () => {
  const { definitions, asked, delay } = otherProcess()
  const { eventNo } = (await definitions.byId(event.event_id))!
  definitions.forget(eventNo)
  const arrive = delay()
  const reading = definitions.byId(event.event_id)
  while (asked.length < 5) await new Promise(resolve => setImmediate(resolve))
  const { artist } = await change()
  definitions.forget(eventNo)
  arrive()
  assert.equal((await reading)!.artist, artist)
})

test('while the database is away, what is in memory is given, and nobody waits for each look', async () => {
  const { definitions, asked, pass, lose } = otherProcess()
  const before = await definitions.byId(event.event_id)
  lose()
  pass(60_000)
  assert.equal(await definitions.byId(event.event_id), before)
  const looks = asked.length
  for (let i = 0; i < 50; i++) assert.equal(await definitions.byId(event.event_id), before)
  assert.equal(asked.length, looks)
})

test('what does not exist is asked for once a second, and what is no name never', async () => {
  const { definitions, asked, pass } = otherProcess()
  for (const name of ['nothing-here', 'evt_00000000000000000000000000']) {
    for (let i = 0; i < 3; i++) assert.equal(await definitions.byId(name), null)
  }
  assert.equal(asked.length, 2)
  for (const name of ['', 'Nothing Here', 'rsv_00000000000000000000000000', "'; drop table", 'x'.repeat(500)]) {
    assert.equal(await definitions.byId(name), null)
  }
  assert.equal(asked.length, 2)
  pass(1001)
  await definitions.byId('nothing-here')
  assert.equal(asked.length, 3)
})
