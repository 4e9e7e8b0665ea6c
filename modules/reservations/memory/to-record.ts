import type { ReservationRecord } from '../ports.ts'
import type { ReservationRow } from './tables.ts'

/** What leaves the store: without the columns that are its own business. */
export function toRecord(row: ReservationRow): ReservationRecord {
  const { quantity, liveTickets, endedAt, keyHash, requestHash, replaces, ...record } = row
  return record
}
