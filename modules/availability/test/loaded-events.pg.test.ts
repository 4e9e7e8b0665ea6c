import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { toUuid, type UserId } from '#kernel/ids.ts'
import { manualClock } from '#kernel/test/manual-clock.ts'
import type { Queryable, Statement } from '#platform/postgres/database.ts'
import { EventSeats } from '../event-seats.ts'
import { LoadedEvents } from '../follow/loaded-events.ts'
import { readStoredSeats } from '../follow/stored-event.sql.ts'
import { sale, someUser, write } from './processes.ts'

const here = await sale()
const { db } = here
const definition = (await here.first.catalog.definitions.byId(here.eventId))!
const { eventNo } = definition
const { definitions } = here.first.catalog
const logger = pino({ level: 'silent' })

const loadedEvents = (line: Queryable = db, clock = manualClock()) =>
  new LoadedEvents({ db: line, definitions, clock, logger })

const textOf = (statement: string | Statement) => (typeof statement === 'string' ? statement : statement.text)

/** Lets something happen between the moment the seats were read and the moment they arrive. */
function whenSeatsWereRead(happen: () => Promise<void>): Queryable {
  return {
    query: (async (text, values) => {
      const result = await db.query(text, values)
      if (textOf(text).includes('from holdfast.seats')) await happen()
      return result
    }) as Queryable['query'],
  }
}

/** What remembers a user: they have, or had, a reservation. */
async function makeReservation(userId: UserId): Promise<void> {
  await db.query(
    `insert into holdfast.reservations (event_no, reservation_id, user_id, quantity, extensions_left, initial_extensions_left,
       created_at, expires_at, initial_expires_at, key_hash, request_hash, amount, currency)
     select $1, gen_random_uuid(), $2::uuid, 1, 1, 1, n, n + interval '1 s', n, gen_random_uuid(), gen_random_uuid(), 0, 'CHF'
     from holdfast.clock() n`,
    [eventNo, toUuid(userId)],
  )
}

test('everything that differs from a seat as it was made is loaded', async () => {
  const userId = someUser()
  await makeReservation(userId)
  await write(db, { eventNo, seatNos: [0] })
  await write(db, { eventNo, seatNos: [1], status: 'sold' })
  await write(db, { eventNo, seatNos: [2], status: 'blocked' })
  await write(db, { eventNo, seatNos: [3], status: 'sold' })
  await write(db, { eventNo, seatNos: [3], status: 'available' })
  const seats = await loadedEvents().load(eventNo)
  assert.deepEqual(
    [0, 1, 2, 3, 4].map(seatNo => [seats.status(seatNo), seats.generation(seatNo)]),
    [
      ['held', 1],
      ['sold', 1],
      ['blocked', 1],
      ['available', 2],
      ['available', 0],
    ],
  )
  const { rows } = await db.query<{ held_until: number }>(
    'select held_until from holdfast.seats where event_no = $1 and seat_no = 0',
    [eventNo],
  )
  assert(Math.abs(seats.heldUntil(0) - rows[0]!.held_until) < 1)
  assert.equal(seats.areaAvailable[0], 100)
  assert(seats.users.has(userId))
})

test('loading reads what differs, and an event before its sale nothing', async () => {
  const { seatNo } = await readStoredSeats(db, eventNo)
  assert.equal(seatNo.length, 4)
})

test('what commits while the tables are read is not lost', async () => {
  const loaded = loadedEvents(
    whenSeatsWereRead(async () => {
      const [generation] = await write(db, { eventNo, seatNos: [5], status: 'sold' })
      // The feed brings it before the rows arrive.
      loaded.apply(eventNo, [{ seatNo: 5, generation: generation!, status: 'sold', heldUntil: 0 }])
    }),
  )
  assert.equal((await loaded.load(eventNo)).status(5), 'sold')
})

test('who has a seat that is known as taken is known, also when it was taken while the tables were read', async () => {
  const userId = someUser()
  const loaded = loadedEvents({
    query: (async (text, values) => {
      if (textOf(text).includes('from holdfast.seats')) {
        await makeReservation(userId)
        await write(db, { eventNo, seatNos: [19], userId })
      }
      return db.query(text, values)
    }) as Queryable['query'],
  })
  const seats = await loaded.load(eventNo)
  assert.equal(seats.status(19), 'held')
  // Otherwise this user, asking again with the same key, would be told that somebody else has the seat.
  assert(seats.users.has(userId))
})

test('read first and registered afterwards, it would be lost', async () => {
  const rows = await readStoredSeats(db, eventNo)
  const seats = new EventSeats(eventNo, definition.seatMap)
  const following = new Map<number, EventSeats>()
  const [generation] = await write(db, { eventNo, seatNos: [6], status: 'sold' })
  following.get(eventNo)?.apply({ seatNo: 6, generation: generation!, status: 'sold', heldUntil: 0 })
  following.set(eventNo, seats)
  seats.replaceAll(rows, [])
  assert.equal(seats.status(6), 'available')
})

test('an older message that arrives after the tables is not taken for news', async () => {
  const loaded = loadedEvents()
  await write(db, { eventNo, seatNos: [7] })
  await write(db, { eventNo, seatNos: [7], status: 'available' })
  const seats = await loaded.load(eventNo)
  loaded.apply(eventNo, [{ seatNo: 7, generation: 1, status: 'held', heldUntil: 1e15 }])
  assert.equal(seats.status(7), 'available')
})

test('many who ask at once cause one reading', async () => {
  let readings = 0
  const loaded = loadedEvents(
    whenSeatsWereRead(async () => {
      readings++
    }),
  )
  const given = await Promise.all(Array.from({ length: 20 }, () => loaded.load(eventNo)))
  assert.deepEqual([readings, new Set(given).size], [1, 1])
})

test('asked to read again while it reads, it reads once more: the first may have been too early', async () => {
  let readings = 0
  const loaded = loadedEvents(
    whenSeatsWereRead(async () => {
      if (readings++ > 0) return
      await write(db, { eventNo, seatNos: [8], status: 'sold' })
      for (let i = 0; i < 5; i++) loaded.reload(eventNo)
    }),
  )
  assert.equal((await loaded.load(eventNo)).status(8), 'sold')
  assert.equal(readings, 2)
})

test('an event that could not be loaded is not in memory, and can be asked for again', async () => {
  let fails = true
  const loaded = loadedEvents({
    query: (async (text, values) => {
      if (fails) throw new Error('away')
      return db.query(text, values)
    }) as Queryable['query'],
  })
  await assert.rejects(loaded.load(eventNo), /away/)
  assert.equal(loaded.get(eventNo), undefined)
  assert.equal(loaded.size, 0)
  fails = false
  await loaded.load(eventNo)
})

test('an event that is over and unused leaves memory; one that is on sale stays', async () => {
  const clock = manualClock()
  const loaded = loadedEvents(db, clock)
  await loaded.load(eventNo)
  const dayAfter = definition.startsAt + 24 * 3_600_000 + 1
  assert.deepEqual(await loaded.dropUnused(dayAfter), [], 'just used')
  clock.advance(10 * 60_000)
  assert.deepEqual(await loaded.dropUnused(definition.startsAt), [], 'not over')
  assert.deepEqual(await loaded.dropUnused(dayAfter), [eventNo])
  assert.equal(loaded.get(eventNo), undefined)
  await loaded.load(eventNo)
})
