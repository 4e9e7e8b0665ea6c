import type { ReservationId, UserId } from '#kernel/ids.ts'
import { defineTable } from '#platform/memory/table.ts'
import type { ReservationRecord, SeatStatus } from '../ports.ts'

/** The tables of db/migrations/0004-reservations.sql with their constraints, and what the batch reads of others. */

export type EventRow = {
  eventNo: number
  version: number
  status: string
  onsaleAt: number | null
  latePayment?: 'reclaim' | 'refund'
  /** What becomes of places that come back. */
  returns?: 'available' | 'blocked'
}
export const events = defineTable<EventRow>({ name: 'events', key: row => eventKey(row.eventNo) })
export const eventKey = (eventNo: number) => `${eventNo}`

export type FenceRow = { epoch: number; closed: boolean }
export const salesFence = defineTable<FenceRow>({ name: 'sales_fence', key: () => 'only row' })

export type SeatRow = {
  eventNo: number
  seatNo: number
  status: SeatStatus
  generation: number
  heldUntil: number | null
  reservationId: ReservationId | null
}
export const seats = defineTable<SeatRow>({
  name: 'seats',
  key: row => seatKey(row.eventNo, row.seatNo),
  checks: {
    only_a_hold_has_an_end: row => (row.status === 'held') === (row.heldUntil !== null),
    taken_seats_have_a_holder: row =>
      ['held', 'reserved', 'sold'].includes(row.status) === (row.reservationId !== null),
  },
})
export const seatKey = (eventNo: number, seatNo: number) => `${eventNo}/${seatNo}`
export const bySeat = (a: { eventNo: number; seatNo: number }, b: { eventNo: number; seatNo: number }) =>
  a.eventNo - b.eventNo || a.seatNo - b.seatNo

export type SeatBlockRow = { eventNo: number; seatNo: number; reason: string }
export const seatBlocks = defineTable<SeatBlockRow>({
  name: 'seat_blocks',
  key: row => seatKey(row.eventNo, row.seatNo),
})

export type AreaRow = {
  eventNo: number
  areaNo: number
  areaId: string
  capacity: number
  available: number
  /** Came back and are not on sale again. */
  setAside: number
  generation: number
}
export const areas = defineTable<AreaRow>({
  name: 'areas',
  key: row => areaKey(row.eventNo, row.areaNo),
  checks: {
    available_is_within_capacity: row =>
      row.available >= 0 && row.setAside >= 0 && row.available + row.setAside <= row.capacity,
  },
})
export const areaKey = (eventNo: number, areaNo: number) => `${eventNo}/${areaNo}`
export const byArea = (a: { eventNo: number; areaNo: number }, b: { eventNo: number; areaNo: number }) =>
  a.eventNo - b.eventNo || a.areaNo - b.areaNo

export type ReservationRow = ReservationRecord & {
  quantity: number
  liveTickets: number
  endedAt: number | null
  keyHash: string
  requestHash: string
  replaces: ReservationId | null
}
export const reservations = defineTable<ReservationRow>({
  name: 'reservations',
  key: row => reservationKey(row.eventNo, row.reservationId),
  unique: {
    a_key_makes_one_reservation: row => `${row.eventNo}/${row.userId}/${row.keyHash}`,
    one_live_hold_per_user_and_event: row => (row.state === 'pending_payment' ? `${row.eventNo}/${row.userId}` : null),
  },
  checks: {
    ends_after_it_began: row => row.expiresAt > row.createdAt,
    only_the_living_have_no_end: row => (row.state === 'pending_payment') === (row.endedAt === null),
  },
})
export const reservationKey = (eventNo: number, reservationId: ReservationId) => `${eventNo}/${reservationId}`
export const byUser = (a: ReservationRow, b: ReservationRow) =>
  a.eventNo - b.eventNo || (a.userId < b.userId ? -1 : a.userId > b.userId ? 1 : 0)
export const byEnd = (a: ReservationRow, b: ReservationRow) => a.expiresAt - b.expiresAt

export type OutboxRow = {
  position: number
  /** The transaction that wrote it. */
  xid: number
  occurredAt: number
  eventNo: number
  type: string
  /** Of a reservation, or as a uuid of what else it is about. */
  subject: string | null
  revision: number
  origin: string
  userId: UserId | null
  seatNos: number[]
  seatGenerations: number[]
  heldUntil: number | null
  data: object | null
}
export const outbox = defineTable<OutboxRow>({ name: 'outbox', key: row => `${row.position}` })
