import { randomUUID } from 'node:crypto'
import { after } from 'node:test'
import { pino } from 'pino'
import { createCatalog } from '#catalog'
import type { Event, SeatMapImported, Venue } from '#contracts/catalog.ts'
import { systemClock } from '#kernel/clock.ts'
import { newId, toUuid, type UserId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { createHttpServer } from '#platform/http/server.ts'
import { createIdempotency } from '#platform/idempotency/index.ts'
import { startJobs } from '#platform/jobs/periodic.ts'
import type { Database, Queryable } from '#platform/postgres/database.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { createAvailability } from '../index.ts'

type Ports = Parameters<typeof createCatalog>[0]['ports']

const shared = { clock: systemClock, random: systemRandom() }
const logger = pino({ level: 'silent' })

/** A database with an event on sale, and as many processes on it as a test starts. */
export async function sale() {
  const { db, url, advance } = await testDatabase({ max: 20 })
  const first = process(db)
  const event = await newEvent(first)
  return { db, url, advance, ...event, first, process: (line: Queryable = db) => process(db, line) }
}

/** `line` is what its availability asks the database with. */
function process(db: Database, line: Queryable = db) {
  const origin = randomUUID()
  const metrics = createMetrics({ processMetrics: false })
  const catalog = createCatalog({
    ...shared,
    db,
    readDb: db,
    idempotently: createIdempotency({ db }),
    ports: { prepareInventory },
  })
  const availability = createAvailability({ ...shared, db: line, catalog, origin, metrics, logger })
  const app = createHttpServer({
    ...shared,
    logger,
    metrics,
    publicUrl: () => 'http://localhost',
    authenticate: ({ headers }) =>
      headers.authorization ? { userId: newId('usr', shared), role: 'organizer' } : 'unauthenticated',
  })
  catalog.routes(app)
  availability.routes(app)
  let jobs: ReturnType<typeof startJobs> | null = null
  after(async () => {
    await jobs?.stop()
    await availability.stop()
    await app.close()
  })
  return {
    origin,
    availability,
    catalog,
    app,
    metrics,
    start() {
      availability.start()
      jobs = startJobs(availability.jobs, { ...shared, metrics, logger })
    },
  }
}

/** What reservations does when an event is made. */
const prepareInventory: Ports['prepareInventory'] = async (tx, { eventNo, seatCount, areas }) => {
  await tx.query(
    'insert into holdfast.seats (event_no, seat_no) select $1, n from generate_series(0, $2::int4 - 1) n',
    [eventNo, seatCount],
  )
  for (const { areaNo, areaId, capacity } of areas)
    await tx.query(
      'insert into holdfast.areas (event_no, area_no, area_id, capacity, available) values ($1, $2, $3, $4, $4)',
      [eventNo, areaNo, areaId, capacity],
    )
}

/** Two rows of ten and a floor of a hundred. */
async function newEvent({ app }: ReturnType<typeof process>) {
  const post = async <T>(url: string, body: object): Promise<T> => {
    const headers = { authorization: 'Bearer o', 'content-type': 'application/json' }
    const answer = await app.inject({ method: 'POST', url, headers, payload: JSON.stringify(body) })
    if (answer.statusCode >= 300) throw new Error(answer.body)
    return answer.json()
  }
  const venue = await post<Venue>('/v1/venues', { name: 'H', city: 'Bern', country: 'CH', timezone: 'UTC' })
  const map = await post<SeatMapImported>(`/v1/venues/${venue.venue_id}/seatmaps`, plan)
  const event = await post<Event>('/v1/events', {
    venue_id: venue.venue_id,
    seatmap_id: map.seatmap_id,
    name: 'Evening',
    starts_at: '2031-05-01T20:00:00Z',
    currency: 'CHF',
    price_levels: [
      { price_level: 'Front', amount: 5000 },
      { price_level: 'Back', amount: 3000 },
    ],
  })
  await post(`/v1/events/${event.event_id}/onsale`, { action: 'open' })
  return { eventId: event.event_id }
}

const row = (n: number, category: string) => ({
  row_number: String(n),
  position: { x: 0, y: 12 * n },
  seats: Array.from({ length: 10 }, (_, s) => ({
    seat_guid: `${n}/${s + 1}`,
    seat_number: String(s + 1),
    position: { x: 10 * s, y: 0 },
    category,
  })),
})
const plan = {
  name: 'Hall',
  size: { width: 200, height: 200 },
  categories: [
    { name: 'Front', color: '#0072b2' },
    { name: 'Back', color: '#e69f00' },
  ],
  zones: [
    {
      name: 'A',
      position: { x: 0, y: 0 },
      rows: [row(1, 'Front'), row(2, 'Back')],
      areas: [{ shape: 'rectangle', position: { x: 0, y: 60 }, rectangle: { width: 50, height: 20 } }],
    },
  ],
  holdfast: { areas: { 0: { area_id: 'floor', name: 'Floor', capacity: 100, price_level: 'Back' } } },
}

export type SeatWrite = {
  eventNo: number
  seatNos: number[]
  type?: string
  status?: 'available' | 'held' | 'sold' | 'blocked'
  origin?: string
  userId?: UserId
}

export function someUser(): UserId {
  return newId('usr', shared)
}

/** Moves seats and tells it, as the writers of reservations do; answers the new generations. */
export async function write(db: Queryable, change: SeatWrite): Promise<number[]> {
  const { eventNo, seatNos, type = 'ReservationCreated', status = 'held', origin = randomUUID() } = change
  const user = toUuid(change.userId ?? someUser())
  const { rows } = await db.query<{ generations: number[] }>(
    `with moved as (
       update holdfast.seats s
       set status = $3::holdfast.seat_status, generation = s.generation + 1,
         held_until = case when $3 = 'held' then holdfast.clock() + interval '10 minutes' end,
         reservation_id = case when $3 in ('held', 'sold') then gen_random_uuid() end
       where s.event_no = $1 and s.seat_no = any ($2::int4[])
       returning s.seat_no, s.generation, s.held_until
     )
     insert into holdfast.outbox (occurred_at, event_no, type, subject, revision, origin, user_id, seat_nos, seat_generations, held_until)
     select holdfast.clock(), $1, $4, gen_random_uuid(), 1, $5::uuid, $6::uuid,
       array_agg(m.seat_no order by m.seat_no), array_agg(m.generation order by m.seat_no), max(m.held_until)
     from moved m
     returning seat_generations as generations`,
    [eventNo, seatNos, status, type, origin, user],
  )
  return rows[0]!.generations
}

/** Waits for what must become true; ten seconds are for a machine that has much else to do. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = systemClock.monotonic() + 10_000
  while (!(await condition())) {
    if (systemClock.monotonic() > giveUpAt) throw new Error(`it did not become true: ${condition}`)
    await systemClock.sleep(5)
  }
}
