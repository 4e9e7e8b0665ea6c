import type { ReservationId } from '#kernel/ids.ts'
import type { SeatStatus } from './ports.ts'

/**
 * What a seat may become. *held* is a cart and runs out by itself; *reserved* has a payment open at the provider and does not;
 * *blocked* was set aside by staff. A held seat is also claimed directly by its next holder once it has run out.
 */
export const seatTransitions: Record<SeatStatus, readonly SeatStatus[]> = {
  available: ['held', 'blocked'],
  held: ['available', 'held', 'reserved', 'blocked'],
  reserved: ['available', 'sold'],
  sold: ['available', 'blocked'],
  blocked: ['available'],
}

type SeatFacts = { status: SeatStatus; heldUntil: number | null; reservationId: ReservationId | null }

/** Whether a new hold may take the seat at `now`, database time. What the user gives up in the same step counts as free. */
export function isClaimable(seat: SeatFacts, now: number, replaces: ReservationId | null = null): boolean {
  if (seat.status === 'available') return true
  return seat.status === 'held' && (seat.heldUntil! <= now || (replaces !== null && seat.reservationId === replaces))
}

/** The status the world sees: a hold that has run out is no hold, swept or not. */
export function statusAt(seat: SeatFacts, now: number): SeatStatus {
  return isClaimable(seat, now) ? 'available' : seat.status
}

/** Whether staff are refused: a seat with a holder is never taken from them. */
export function hasHolder(status: SeatStatus): boolean {
  return status === 'held' || status === 'reserved' || status === 'sold'
}
