import { randomUUID } from 'node:crypto'
import { type Clock, systemClock } from '#kernel/clock.ts'
import { type ReservationId, toUuid } from '#kernel/ids.ts'
import { manualClock } from '#kernel/test/manual-clock.ts'
import { paymentStatements } from '#payments/memory'
import { createMemoryDatabase } from '#platform/memory/database.ts'
import { allStatements, statementDatabase } from '#platform/memory/statements.ts'
import { messageStatements } from '#platform/messages/memory/index.ts'
import type { Database } from '#platform/postgres/database.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { createPostgresStore, prepareInventory, type ReservationStore } from '#reservations'
import {
  createMemoryStore,
  events,
  logStatements,
  prepareMemoryInventory,
  saleStatements,
  salesFence,
  seats,
} from '#reservations/memory'
import { ticketStatements, tickets } from '#tickets/memory'
import { checkoutStatements } from '../memory/statements.ts'

export type NewEvent = { seats: number; areas: readonly number[]; latePayment: 'reclaim' | 'refund' }
export type OrderName = { eventNo: number; reservationId: ReservationId; seatNos: readonly number[] }

/** What a till stands on: PostgreSQL, or its twin in memory. */
export type Backend = {
  db: Database
  store: ReservationStore
  clock: Clock
  /** Moves the database's clock. */
  advance(ms: number): Promise<void>
  anEvent(event: NewEvent): Promise<number>
  /** Statuses of those seats of an order that are its own or nobody's. */
  seatsOf(order: OrderName): Promise<string[]>
  validTickets(order: OrderName): Promise<number>
  /** Sooner than at the end of the test file. */
  close(): Promise<void>
}

export async function postgresBackend(): Promise<Backend> {
  const { db, advance, close } = await testDatabase({ max: 16 })
  return {
    db,
    close,
    store: createPostgresStore({ db, origin: randomUUID() }),
    clock: systemClock,
    advance,
    async anEvent({ seats: seatCount, areas, latePayment }) {
      const { rows } = await db.query<{ event_no: number }>(
        `with venue as (
           insert into holdfast.venues (venue_id, name, city, country, timezone)
           values (gen_random_uuid(), 'Hall', 'Bern', 'CH', 'Europe/Zurich') returning venue_id
         ), map as (
           insert into holdfast.seatmaps (seatmap_id, venue_id, version, name, seat_count, area_count, geometry_hash, geometry)
           select gen_random_uuid(), venue_id, 1, 'Hall', $2, 1, sha256('hall'), '' from venue returning seatmap_id, venue_id
         )
         insert into holdfast.events (event_id, venue_id, seatmap_id, status, slug, name, starts_at, currency, ticket_limit,
           hold_policy, late_payment, place)
         select gen_random_uuid(), venue_id, seatmap_id, 'onsale', 'night-' || floor(random() * 1e9), 'Night', '2031-01-01', 'EUR', 50,
           '{}', $1, 'Bern'
         from map
         returning event_no`,
        [latePayment, seatCount],
      )
      const eventNo = rows[0]!.event_no
      await db.query(
        `insert into holdfast.price_levels (event_no, level_no, price_level, name, amount, color)
         values ($1, 0, 'Standard', 'Standard', 2500, '#000000')`,
        [eventNo],
      )
      await db.transaction(tx => prepareInventory(tx, { eventNo, seatCount, areas: named(areas) }))
      return eventNo
    },
    async seatsOf({ eventNo, seatNos, reservationId }) {
      const { rows } = await db.query<{ status: string }>(
        `select status from holdfast.seats
         where event_no = $1 and seat_no = any ($2) and (reservation_id = $3 or reservation_id is null) order by seat_no`,
        [eventNo, seatNos, toUuid(reservationId)],
      )
      return rows.map(row => row.status)
    },
    async validTickets({ eventNo, reservationId }) {
      const { rows } = await db.query<{ n: number }>(
        `select count(*)::int4 as n from holdfast.tickets where event_no = $1 and reservation_id = $2 and status = 'valid'`,
        [eventNo, toUuid(reservationId)],
      )
      return rows[0]!.n
    },
  }
}

export function memoryBackend(): Backend {
  const time = manualClock()
  const database = createMemoryDatabase({ clock: time })
  const connection = database.connect('till')
  const statements = allStatements(
    saleStatements,
    logStatements,
    paymentStatements,
    checkoutStatements,
    ticketStatements,
    messageStatements,
    { price_level_names_1: async () => [{ event_no: lastEvent, level_no: 0, price_level: 'Standard' }] },
  )
  let lastEvent = 0
  return {
    db: statementDatabase(connection, statements),
    store: createMemoryStore({ db: connection, origin: randomUUID() }),
    // The database's time stands still; what waits a moment for somebody else really waits.
    clock: { ...systemClock, now: time.now },
    advance: async ms => time.advance(ms),
    close: async () => {},
    async anEvent({ seats: seatCount, areas, latePayment }) {
      const eventNo = ++lastEvent
      await connection.transaction('set up', async tx => {
        await tx.insert(events, [{ eventNo, version: 1, status: 'onsale', onsaleAt: null, latePayment }])
        await tx.insert(salesFence, [{ epoch: 1, closed: false }], { onConflict: 'nothing' })
        await prepareMemoryInventory(tx, { eventNo, seatCount, areas: named(areas) })
      })
      return eventNo
    },
    async seatsOf({ eventNo, seatNos, reservationId }) {
      return database
        .rows(seats)
        .filter(seat => seat.eventNo === eventNo && seatNos.includes(seat.seatNo))
        .filter(seat => seat.reservationId === null || seat.reservationId === reservationId)
        .sort((a, b) => a.seatNo - b.seatNo)
        .map(seat => seat.status)
    },
    async validTickets({ reservationId }) {
      const of = toUuid(reservationId)
      return database.rows(tickets).filter(ticket => ticket.reservation_id === of && ticket.status === 'valid').length
    },
  }
}

function named(areas: readonly number[]) {
  return areas.map((capacity, areaNo) => ({ areaNo, areaId: `FLOOR${areaNo}`, capacity }))
}
