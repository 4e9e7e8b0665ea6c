import { fromUuid } from '#kernel/ids.ts'
import { type ManualClock, manualClock } from '#kernel/test/manual-clock.ts'
import { createMemoryDatabase, type MemoryDatabase } from '#platform/memory/database.ts'
import type { FaultHooks } from '#platform/memory/faults.ts'
import type { Scheduler } from '#platform/memory/scheduler.ts'
import { type TestDatabase, testDatabase } from '#platform/postgres/test-database.ts'
import { holdBatch } from '../hold/hold-batch.sql.ts'
import { prepareMemoryInventory } from '../memory/prepare-inventory.ts'
import { createMemoryStore } from '../memory/store.ts'
import {
  type AreaRow,
  areas,
  type EventRow,
  events,
  type OutboxRow,
  outbox,
  type ReservationRow,
  reservations,
  type SeatBlockRow,
  type SeatRow,
  salesFence,
  seatBlocks,
  seats,
} from '../memory/tables.ts'
import type { HoldBatchAnswer, HoldRequest, ReservationStore } from '../ports.ts'
import { createPostgresStore } from '../postgres-store.ts'
import { prepareInventory } from '../prepare-inventory.sql.ts'
import { reservationColumns, type ReservationRow as StoredRow, toRecord } from '../reservation-row.ts'

/** A store with what surrounds it in the hands of a test: time stands still until it is moved. */
export type Stand = {
  store: ReservationStore
  /** As the store's, and on PostgreSQL with the choice of the way; the twin has one way. */
  holdBatch(requests: readonly HoldRequest[], options?: { careful?: boolean }): Promise<HoldBatchAnswer>
  /** Removes everything. */
  clear(): Promise<void>
  addEvent(event: Hall): Promise<void>
  setEvent(event: EventRow): Promise<void>
  setFence(closed: boolean): Promise<void>
  now(): number
  advance(ms: number): Promise<void>
  tables(): Promise<Tables>
}

export type Hall = {
  eventNo: number
  seatCount: number
  areas: readonly number[]
  blocked?: readonly { seatNo: number; reason: string }[]
}

/** Everything committed, in an order and a shape that both stores share. */
export type Tables = {
  seats: SeatRow[]
  seatBlocks: SeatBlockRow[]
  areas: AreaRow[]
  reservations: ReservationRow[]
  /** In the order of their positions, which are the store's own. */
  outbox: Omit<OutboxRow, 'position' | 'xid'>[]
}

export const origin = '0193c0de-0000-7000-8000-000000000001'
export const startMs = Date.UTC(2026, 10, 22, 10, 0, 0)

export type MemoryStand = Stand & { db: MemoryDatabase; clock: ManualClock }

/** The twin. */
export function memoryStand(options: { scheduler?: Scheduler; faults?: FaultHooks; nowMs?: number } = {}): MemoryStand {
  const { scheduler, faults, nowMs = startMs } = options
  const clock = manualClock(nowMs)
  const db = createMemoryDatabase({ clock, scheduler, faults })
  const empty = db.save()
  const connection = db.connect('test')
  const store = createMemoryStore({ db: connection, origin })
  return {
    db,
    clock,
    store,
    holdBatch: requests => store.holdBatch(requests),
    async clear() {
      db.restore(empty)
      await connection.transaction('open the sale', tx => tx.insert(salesFence, [{ epoch: 1, closed: false }]))
    },
    addEvent: hall =>
      connection.transaction('add event', async tx => {
        await tx.insert(events, [{ eventNo: hall.eventNo, version: 1, status: 'onsale', onsaleAt: null }])
        await prepareMemoryInventory(tx, inventoryOf(hall))
      }),
    setEvent: async event =>
      void (await connection.transaction('set event', tx =>
        tx.update(events, { where: row => row.eventNo === event.eventNo, set: () => event }),
      )),
    setFence: async closed =>
      void (await connection.transaction('set fence', tx =>
        tx.update(salesFence, { set: row => ({ ...row, closed }) }),
      )),
    now: () => clock.now(),
    advance: async ms => clock.advance(ms),
    tables: async () =>
      inOrder({
        seats: db.rows(seats),
        seatBlocks: db.rows(seatBlocks),
        areas: db.rows(areas),
        reservations: db.rows(reservations),
        outbox: db
          .rows(outbox)
          .sort((a, b) => a.position - b.position)
          .map(({ position, xid, ...message }) => message),
      }),
  }
}

export type PostgresStand = Stand & { database: TestDatabase }

/** PostgreSQL, in a database of its own, with a clock that stands still in a table. */
export async function postgresStand(
  options: { makeStore?: typeof createPostgresStore; max?: number } = {},
): Promise<PostgresStand> {
  const { makeStore = createPostgresStore, max = 12 } = options
  const database = await testDatabase({ max })
  const { db } = database
  // Of an event the store reads four columns; the catalogue's tests look after the others.
  await db.query('drop table holdfast.events cascade')
  await db.query(`create table holdfast.events (event_no int4 primary key, version int4 not null, status text not null,
    onsale_at timestamptz)`)
  await db.query('create table holdfast.standing_clock (at timestamptz not null)')
  await db.query('insert into holdfast.standing_clock values ($1)', [new Date(startMs).toISOString()])
  await db.query(`create or replace function holdfast.clock() returns timestamptz language sql volatile
    as 'select at from holdfast.standing_clock'`)
  let nowMs = startMs
  const store = makeStore({ db, origin })
  return {
    database,
    store,
    holdBatch: (requests, { careful = false } = {}) =>
      careful ? holdBatch(db, origin, requests, { careful }) : store.holdBatch(requests),
    async clear() {
      for (const table of ['seats', 'seat_blocks', 'areas', 'reservations', 'outbox', 'events'])
        await db.query(`delete from holdfast.${table}`)
      await db.query('update holdfast.sales_fence set closed = false')
    },
    addEvent: hall =>
      db.transaction(async tx => {
        await tx.query(`insert into holdfast.events values ($1, 1, 'onsale', null)`, [hall.eventNo])
        await prepareInventory(tx, inventoryOf(hall))
      }),
    setEvent: async ({ eventNo, version, status, onsaleAt }) =>
      void (await db.query('update holdfast.events set version = $2, status = $3, onsale_at = $4 where event_no = $1', [
        eventNo,
        version,
        status,
        onsaleAt === null ? null : new Date(onsaleAt).toISOString(),
      ])),
    setFence: async closed => void (await db.query('update holdfast.sales_fence set closed = $1', [closed])),
    now: () => nowMs,
    async advance(ms) {
      nowMs += ms
      await db.query('update holdfast.standing_clock set at = $1', [new Date(nowMs).toISOString()])
    },
    tables: () => readTables(database),
  }
}

function inventoryOf(hall: Hall) {
  return {
    eventNo: hall.eventNo,
    seatCount: hall.seatCount,
    areas: hall.areas.map((capacity, areaNo) => ({ areaNo, areaId: `area-${areaNo}`, capacity })),
    blocked: hall.blocked,
  }
}

async function readTables({ db }: TestDatabase): Promise<Tables> {
  const nil = '00000000-0000-0000-0000-000000000000'
  const rsv = (uuid: string | null) => (uuid === null || uuid === nil ? null : fromUuid('rsv', uuid))
  const hex = (uuid: string) => uuid.replaceAll('-', '')
  const all = async <Row>(sql: string) => (await db.query<Row & object>(sql)).rows
  return inOrder({
    seats: (
      await all<SeatRow & { reservationId: string | null }>(
        `select event_no as "eventNo", seat_no as "seatNo", status, generation, held_until as "heldUntil",
          reservation_id as "reservationId" from holdfast.seats`,
      )
    ).map(row => ({ ...row, reservationId: rsv(row.reservationId) })),
    seatBlocks: await all(`select event_no as "eventNo", seat_no as "seatNo", reason from holdfast.seat_blocks`),
    areas: await all(
      `select event_no as "eventNo", area_no as "areaNo", area_id as "areaId", capacity, available, set_aside as "setAside", generation
      from holdfast.areas`,
    ),
    reservations: (
      await all<StoredRow & Record<'key_hash' | 'request_hash' | 'replaces', string> & ReservationRow>(
        `select ${reservationColumns}, r.quantity, r.live_tickets as "liveTickets", r.ended_at as "endedAt", r.key_hash,
          r.request_hash, r.replaces from holdfast.reservations r`,
      )
    ).map(row => ({
      ...toRecord(row),
      quantity: row.quantity,
      liveTickets: row.liveTickets,
      endedAt: row.endedAt,
      keyHash: hex(row.key_hash),
      requestHash: hex(row.request_hash),
      replaces: rsv(row.replaces),
    })),
    outbox: (
      await all<Tables['outbox'][number] & { subject: string | null; userId: string | null }>(
        `select occurred_at as "occurredAt", event_no as "eventNo", type, subject, revision, origin, user_id as "userId",
          coalesce(seat_nos, '{}') as "seatNos", coalesce(seat_generations, '{}') as "seatGenerations",
          held_until as "heldUntil", data from holdfast.outbox order by position`,
      )
    ).map(row => ({
      ...row,
      subject: rsv(row.subject),
      userId: row.userId === null ? null : fromUuid('usr', row.userId),
    })),
  })
}

function inOrder(tables: Tables): Tables {
  const by =
    <Row>(...keys: (keyof Row)[]) =>
    (a: Row, b: Row) => {
      for (const key of keys) if (a[key] !== b[key]) return a[key] < b[key] ? -1 : 1
      return 0
    }
  return {
    seats: tables.seats.toSorted(by('eventNo', 'seatNo')),
    seatBlocks: tables.seatBlocks.toSorted(by('eventNo', 'seatNo')),
    areas: tables.areas.toSorted(by('eventNo', 'areaNo')),
    reservations: tables.reservations.toSorted(by('eventNo', 'reservationId')),
    outbox: tables.outbox,
  }
}
