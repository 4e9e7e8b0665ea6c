import { fromUuid } from '#kernel/ids.ts'
import type { ReservationRecord, ReservationState } from './ports.ts'

/** A row of `holdfast.reservations` as the statements of this module read it; `toRecord` makes the record of it. */
export type ReservationRow = {
  event_no: number
  reservation_id: string
  user_id: string
  state: ReservationState
  revision: number
  extensions_left: number
  initial_extensions_left: number
  created_at: number
  expires_at: number
  initial_expires_at: number
  reserved_at: number | null
  amount: number
  currency: string
  seat_nos: number[]
  seat_levels: number[]
  /** The driver leaves the elements of int8[] as text. */
  seat_amounts: string[]
  area_nos: number[]
  area_quantities: number[]
  area_levels: number[]
  area_amounts: string[]
}

export const reservationColumns = `r.event_no, r.reservation_id, r.user_id, r.state, r.revision, r.extensions_left,
  r.initial_extensions_left, r.created_at, r.expires_at, r.initial_expires_at, r.reserved_at, r.amount, r.currency, r.seat_nos, r.seat_levels,
  r.seat_amounts, r.area_nos, r.area_quantities, r.area_levels, r.area_amounts`

/** Database time in whole milliseconds, as everything that is stored and compared. */
export const nowMs = `(extract(epoch from date_trunc('milliseconds', holdfast.clock())) * 1000)::int8`

export function toRecord(row: ReservationRow): ReservationRecord {
  return {
    eventNo: row.event_no,
    reservationId: fromUuid('rsv', row.reservation_id),
    userId: fromUuid('usr', row.user_id),
    state: row.state,
    revision: row.revision,
    extensionsLeft: row.extensions_left,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    reservedAt: row.reserved_at,
    amount: row.amount,
    currency: row.currency,
    seats: row.seat_nos.map((seatNo, i) => ({
      seatNo,
      level: row.seat_levels[i]!,
      amount: Number(row.seat_amounts[i]),
    })),
    areas: row.area_nos.map((areaNo, i) => ({
      areaNo,
      quantity: row.area_quantities[i]!,
      level: row.area_levels[i]!,
      amount: Number(row.area_amounts[i]),
    })),
    initial: { expiresAt: row.initial_expires_at, extensionsLeft: row.initial_extensions_left },
  }
}
