import type { HoldOutcome, HoldRequest, ReservationRecord } from '../ports.ts'
import { stateAt } from '../reservation.ts'

/** What the batch knows of a request before it looks at any place. */
export type Circumstances = {
  /** Null if there is no such event. */
  event: { version: number; status: string; onsaleAt: number | null } | null
  salesClosed: boolean
  /** All that the user ever had in the event. */
  own: readonly (ReservationRecord & { keyHash: string; requestHash: string; quantity: number; liveTickets: number })[]
  now: number
}

/**
 * Steps (a) and (b) of the batch: the refusals and answers that need no place, in the order of docs/reference/http.md; null if the
 * request may go on. The batch function has the same in SQL; the contract suite compares the two.
 */
export function judgeRequest(
  request: HoldRequest,
  { event, salesClosed, own, now }: Circumstances,
): HoldOutcome | null {
  const sameKey = own.find(reservation => reservation.keyHash === request.keyHash)
  if (sameKey !== undefined)
    return sameKey.requestHash === request.requestHash
      ? { kind: 'replayed', reservationId: sameKey.reservationId }
      : { kind: 'key-reused' }
  if (event === null) return { kind: 'event-not-found' }
  if (salesClosed) return { kind: 'sales-closed' }
  if (!isOnSale(event, now)) return { kind: 'not-on-sale' }
  if (event.version !== request.eventVersion) return { kind: 'event-changed' }

  const live = own.find(
    reservation => stateAt(reservation, now) === 'pending_payment' && reservation.reservationId !== request.replaces,
  )
  const tickets = own.reduce((sum, reservation) => sum + reservation.liveTickets, live?.quantity ?? 0)
  if (request.quantity + tickets > request.ticketLimit) return { kind: 'ticket-limit-exceeded' }
  if (live !== undefined) return { kind: 'reservation-exists', reservationId: live.reservationId }
  if (request.replaces !== null) {
    const replaced = own.find(reservation => reservation.reservationId === request.replaces)
    if (replaced === undefined) return { kind: 'nothing-to-replace' }
    if (stateAt(replaced, now) !== 'pending_payment') return { kind: 'replaced-has-ended' }
    if (replaced.reservedAt !== null) return { kind: 'replaced-is-being-paid' }
  }
  return request.probe ? { kind: 'clear' } : null
}

/** A scheduled event is on sale from its time on, by the database's clock; no job flips it. */
function isOnSale({ status, onsaleAt }: { status: string; onsaleAt: number | null }, now: number): boolean {
  return status === 'onsale' || (status === 'scheduled' && onsaleAt !== null && onsaleAt <= now)
}
