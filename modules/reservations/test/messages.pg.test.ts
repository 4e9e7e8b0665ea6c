import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { Value } from 'typebox/value'
import type { EventDefinition } from '#catalog'
import { type MessageOf, type MessageType, messages as schemas } from '#contracts/messages.ts'
import { systemClock } from '#kernel/clock.ts'
import { fromUuid, newId, type ReservationId, type UserId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { postgresLog } from '#platform/messages/postgres-log.ts'
import { type Cursor, theBeginning } from '#platform/messages/snapshot-cursor.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { reservationMessages } from '../messages.ts'
import type { HoldRequest } from '../ports.ts'
import { createPostgresStore } from '../postgres-store.ts'
import { prepareInventory } from '../prepare-inventory.sql.ts'
import { drawnHall } from './drawn-hall.ts'

const source = { clock: systemClock, random: systemRandom() }
const { db, advance } = await testDatabase()
const store = createPostgresStore({ db, origin: randomUUID() })
const event = await anEvent()
const log = postgresLog({ db, expansions: [reservationMessages({ definitions: { byNo: async () => event } })] })

test('a hold becomes one message of the reservation and one of each seat', async () => {
  const cursor = await log.now()
  const { reservationId, userId } = await hold({ seats: [2, 3], places: 2 })
  const told = await messagesSince(cursor)
  assert.deepEqual(
    told.map(({ type, id }) => [type, id]),
    [
      ['ReservationCreated', `${reservationId}.1.ReservationCreated`],
      ['SeatHeld', `${reservationId}.1.SeatHeld.1`],
      ['SeatHeld', `${reservationId}.1.SeatHeld.2`],
    ],
  )
  const [created, first] = told as [MessageOf<'ReservationCreated'>, MessageOf<'SeatHeld'>]
  assert.deepEqual(created.data, {
    event_id: event.eventId,
    reservation_id: reservationId,
    user_id: userId,
    items: [
      { seat_id: 'A-1-2', seat_no: 2, price_level: 'Front', amount: 5000 },
      { seat_id: 'A-1-3', seat_no: 3, price_level: 'Front', amount: 5000 },
      { area_id: 'FLOOR', quantity: 2, price_level: 'Back', amount: 3000 },
    ],
    quantity: 4,
    amount: 16000,
    currency: 'EUR',
    expires_at: new Date(Date.parse(created.time) + 600_000).toISOString(),
    replaces: null,
  })
  assert.deepEqual(first.data, {
    event_id: event.eventId,
    reservation_id: reservationId,
    seat_id: 'A-1-2',
    seat_no: 2,
    generation: 1,
    held_until: created.data.expires_at,
  })
})

test('extended, cancelled and expired tell what became of the hold', async () => {
  const cursor = await log.now()
  const [kept, given] = [await hold({ seats: [5] }), await hold({ seats: [6], places: 1 })]
  await store.extend({ ...kept, extensionSeconds: 300 })
  await store.cancel(given)
  await advance(901_000)
  while ((await store.expireDue(100)) > 0);
  const told = await messagesSince(cursor)
  const [created, , extended, expired] = told.filter(message => message.subject === kept.reservationId)
  assert.equal(extended!.type, 'ReservationExtended')
  assert.equal(
    Date.parse((extended as MessageOf<'ReservationExtended'>).data.expires_at),
    Date.parse((created as MessageOf<'ReservationCreated'>).data.expires_at) + 300_000,
  )
  const released = { seat_id: 'A-1-5', seat_no: 5, generation: 3 }
  assert.deepEqual(
    [expired!.type, expired!.revision, expired!.data],
    ['ReservationExpired', 3, { ...whose(kept), quantity: 1, released: [released] }],
  )
  const cancelled = told.filter(message => message.subject === given.reservationId).at(-1)!
  assert.equal(cancelled.type, 'ReservationCancelled')
  assert.deepEqual(cancelled.data, {
    ...whose(given),
    quantity: 2,
    released: [{ seat_id: 'A-1-6', seat_no: 6, generation: 2 }],
  })
})

test('a hold that takes the place of another says so, and the other was cancelled', async () => {
  const cursor = await log.now()
  const old = await hold({ seats: [10] })
  const next = await hold({ seats: [11], replaces: old })
  const told = await messagesSince(cursor)
  const created = told.find(message => message.subject === next.reservationId) as MessageOf<'ReservationCreated'>
  assert.equal(created.data.replaces, old.reservationId)
  assert(told.some(message => message.type === 'ReservationCancelled' && message.subject === old.reservationId))
})

test('every message is of the shape that the contract gives', async () => {
  const told = await messagesSince(theBeginning)
  const ofHolds = [
    'ReservationCreated',
    'SeatHeld',
    'ReservationExtended',
    'ReservationCancelled',
    'ReservationExpired',
  ]
  assert.deepEqual(new Set(told.map(message => message.type)), new Set(ofHolds))
  for (const message of told) assert(Value.Check(schemas[message.type], message), JSON.stringify(message))
  // The negative control.
  assert(!Value.Check(schemas.SeatHeld, { ...told[0], type: 'SeatHeld' }))
})

type AnyMessage = { [Name in MessageType]: MessageOf<Name> }[MessageType]

async function messagesSince(cursor: Cursor): Promise<AnyMessage[]> {
  const { messages } = await log.read(cursor, { limit: 1000 })
  return messages as unknown as AnyMessage[]
}

type Held = { eventNo: number; reservationId: ReservationId; userId: UserId }

function whose({ reservationId, userId }: Held) {
  return { event_id: event.eventId, reservation_id: reservationId, user_id: userId }
}

async function hold(wish: { seats: number[]; places?: number; replaces?: Held }): Promise<Held> {
  const { seats, places = 0, replaces } = wish
  const { eventNo } = event
  const userId = replaces?.userId ?? newId('usr', source)
  const reservationId = newId('rsv', source, eventNo)
  const request: HoldRequest = {
    eventNo,
    userId,
    reservationId,
    keyHash: randomUUID().replaceAll('-', ''),
    requestHash: randomUUID().replaceAll('-', ''),
    eventVersion: event.version,
    seats: seats.map(seatNo => ({ seatNo, level: 0, amount: 5000 })),
    areas: places === 0 ? [] : [{ areaNo: 0, quantity: places, level: 1, amount: 3000 }],
    quantity: seats.length + places,
    amount: 5000 * seats.length + 3000 * places,
    currency: 'EUR',
    ticketLimit: 8,
    holdSeconds: 600,
    extensions: 1,
    replaces: replaces?.reservationId ?? null,
    probe: false,
    arrival: 0,
  }
  const { outcomes } = await store.holdBatch([request])
  assert.equal(outcomes[0]!.kind, 'held')
  return { eventNo, reservationId, userId }
}

/** One row of twenty seats and a floor, on sale. */
async function anEvent(): Promise<EventDefinition> {
  const { rows } = await db.query<{ event_no: number; event_id: string; version: number }>(
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
     returning event_no, event_id, version`,
  )
  const { event_no: eventNo, event_id, version } = rows[0]!
  await db.query(
    `insert into holdfast.price_levels (event_no, level_no, price_level, name, amount, color)
     values ($1, 0, 'Front', 'Front', 5000, '#000000'), ($1, 1, 'Back', 'Back', 3000, '#000000')`,
    [eventNo],
  )
  const areas = [{ areaNo: 0, areaId: 'FLOOR', capacity: 100 }]
  await db.transaction(tx => prepareInventory(tx, { eventNo, seatCount: 20, areas }))
  const { map } = drawnHall(['.'.repeat(20)])
  const seatMap = Object.assign(map, { areas: [{ ...areas[0]!, name: 'Floor', category: 1, shape: null }] })
  return { eventNo, eventId: fromUuid('evt', event_id), version, seatMap } as unknown as EventDefinition
}
