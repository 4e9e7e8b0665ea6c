import type { SeatChange } from '../ports.ts'

/** Milliseconds since 1970 as PostgreSQL reads them. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString()
}

/** The parallel lists of an outbox row; null where no seat changed. */
export function seatChanges(row: { seat_nos: number[] | null; seat_generations: number[] | null }): SeatChange[] {
  return (row.seat_nos ?? []).map((seatNo, i) => ({ seatNo, generation: row.seat_generations![i]! }))
}
