import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { pino } from 'pino'
import type { ActorRole } from '#contracts/actor.ts'
import type { Figures } from '#contracts/reports.ts'
import { systemClock } from '#kernel/clock.ts'
import { type EventId, fromUuid, newId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { manualClock } from '#kernel/test/manual-clock.ts'
import { createHttpServer } from '#platform/http/server.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { addFigures, type MinuteFigures } from '../figures.sql.ts'
import { createReports } from '../index.ts'

const { db } = await testDatabase()
const clock = manualClock()
const random = systemRandom()
const logger = pino({ level: 'silent' })
const app = createHttpServer({
  clock: systemClock,
  random,
  logger,
  metrics: createMetrics({ processMetrics: false }),
  publicUrl: () => 'http://localhost:3000',
  authenticate: ({ headers }) => ({
    userId: newId('usr', { clock, random }),
    role: (headers.authorization ?? 'guest') as ActorRole,
  }),
})
createReports({ readDb: db, clock, logger }).routes(app)
after(() => app.close())
const eventId = await anEvent()

const none = {
  extended: 0,
  cancelled: 0,
  places_cancelled: 0,
  expired: 0,
  places_expired: 0,
  sales: 0,
  places_sold: 0,
  sold_amount: 0,
  declined: 0,
  refunds: 0,
  refunded_amount: 0,
}
const get = (url: string, role: ActorRole = 'organizer') => app.inject({ url, headers: { authorization: role } })

test('organisers see the totals, and the minutes they ask for', async () => {
  const empty = await get(`/v1/events/${eventId}/figures`)
  assert.equal(empty.headers['cache-control'], 'private, no-store')
  assert.deepEqual(empty.json<Figures>().minutes, [])
  assert.equal(empty.json<Figures>().totals.holds, 0)

  await add(await minutesAgo(90), { holds: 5, places_held: 9, ...none })
  await add(await minutesAgo(2), { holds: 1, places_held: 2, ...none, cancelled: 1, places_cancelled: 2 })
  await add(await minutesAgo(2), { holds: 1, places_held: 1, ...none })
  const { totals, minutes } = (await get(`/v1/events/${eventId}/figures`)).json<Figures>()
  assert.deepEqual(totals, { holds: 7, places_held: 12, ...none, cancelled: 1, places_cancelled: 2 })
  assert.deepEqual(
    minutes.map(({ holds, places_held }) => [holds, places_held]),
    [[2, 3]],
  )
  const longer = await get(`/v1/events/${eventId}/figures?minutes=120`)
  assert.equal(longer.json<Figures>().minutes.length, 2)
})

test('they are for organisers, of events that exist', async () => {
  const codeOf = async (url: string, role?: ActorRole) => (await get(url, role)).json<{ code: string }>().code
  assert.equal(await codeOf(`/v1/events/${eventId}/figures`, 'customer'), 'forbidden')
  assert.equal(await codeOf(`/v1/events/${eventId}/figures/stream`, 'support'), 'forbidden')
  const foreign = newId('evt', { clock, random })
  for (const path of [foreign, 'evt_1', 'x']) {
    assert.equal(await codeOf(`/v1/events/${path}/figures`), 'event-not-found')
    assert.equal(await codeOf(`/v1/events/${path}/figures/stream`), 'event-not-found')
  }
  assert.equal(await codeOf(`/v1/events/${eventId}/figures?minutes=0`), 'invalid-request')
})

test('a stream tells the figures as they are, and again when they have changed', async () => {
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  const answer = await fetch(`http://127.0.0.1:${port}/v1/events/${eventId}/figures/stream`, {
    headers: { authorization: 'organizer' },
  })
  assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
  const next = async () => JSON.parse(/^data: (.*)$/m.exec((await reader.read()).value!)![1]!) as Figures
  const before = (await next()).totals.holds
  await add(await minutesAgo(0), { holds: 1, places_held: 1, ...none })
  let told: Figures | undefined
  next().then(figures => {
    told = figures
  })
  while (told === undefined) {
    clock.advance(1000)
    await db.query('select')
  }
  assert.equal(told.totals.holds, before + 1)
  await reader.cancel()
})

async function add(minute: string, figures: MinuteFigures): Promise<void> {
  await db.transaction(tx => addFigures(tx, [{ eventId, minute, figures }]))
}

async function minutesAgo(minutes: number): Promise<string> {
  const { rows } = await db.query<{ at: number }>(
    `select date_trunc('minute', holdfast.clock() - make_interval(mins => $1)) as at`,
    [minutes],
  )
  return new Date(rows[0]!.at).toISOString()
}

async function anEvent(): Promise<EventId> {
  const { rows } = await db.query<{ event_id: string }>(
    `with venue as (
       insert into holdfast.venues (venue_id, name, city, country, timezone)
       values (gen_random_uuid(), 'Hall', 'Bern', 'CH', 'Europe/Zurich') returning venue_id
     ), map as (
       insert into holdfast.seatmaps (seatmap_id, venue_id, version, name, seat_count, area_count, geometry_hash, geometry)
       select gen_random_uuid(), venue_id, 1, 'Hall', 20, 1, sha256('hall'), '' from venue returning seatmap_id, venue_id
     )
     insert into holdfast.events (event_id, venue_id, seatmap_id, status, slug, name, starts_at, currency, ticket_limit,
       hold_policy, late_payment, place)
     select gen_random_uuid(), venue_id, seatmap_id, 'onsale', 'night', 'Night', '2031-01-01', 'EUR', 8, '{}', 'reclaim', 'Bern'
     from map
     returning event_id`,
  )
  return fromUuid('evt', rows[0]!.event_id)
}
