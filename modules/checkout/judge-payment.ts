import type { Intent, PaymentRecord } from '#payments'
import type { ReservationRecord } from '#reservations'

/**
 * What is to be done about a payment, given what the provider says of it and what became of its reservation. Pure, and the only place
 * where that is decided: webhook, poll, reconciler and the buyer's own wish to cancel all come here.
 *
 *   capture          the money waits, the places are reserved: take it
 *   sell             the money is there, the places are reserved: sell
 *   reclaim-capture  authorised after the hold had ended: take the places back, then the money
 *   reclaim-sell     captured after the hold had ended: take the places back and sell, otherwise give the money back
 *   void             authorised too late, after the end, or for an event that was cancelled: let it go, nothing is charged
 *   refund           captured, and the places are gone: give it back
 *   give-up          the provider will not take any more of it: the places are free again
 *   mismatch         not the amount, currency or mode that was asked for: never applied
 */
export type Step =
  | { step: 'nothing' }
  | { step: 'note-open' }
  | { step: 'note-processing' }
  | { step: 'capture' }
  | { step: 'sell' }
  | { step: 'reclaim-capture' }
  | { step: 'reclaim-sell' }
  | { step: 'void'; reason: 'late' | 'event-cancelled' }
  | { step: 'refund' }
  | { step: 'give-up' }
  | { step: 'mismatch'; reason: string }

export type Circumstances = {
  payment: PaymentRecord
  reservation: ReservationRecord
  intent: Intent
  /** Just read from the provider; what an event tells may be old. */
  isTruth: boolean
  /** The mode we are in: an intent of the other is never applied. */
  isLive: boolean
  event: { status: string; latePayment: 'reclaim' | 'refund' }
  /** Database time, read under the locks. */
  now: number
}

/** How long after the end of the hold its places may still be taken back. */
export const reclaimMs = 30 * 60_000

export function judgePayment(circumstances: Circumstances): Step {
  const { payment, reservation, intent, isTruth, event } = circumstances
  const reason = mismatchOf(circumstances)
  if (reason !== null) return { step: 'mismatch', reason }
  switch (payment.status) {
    case 'captured':
    case 'refund_pending':
    case 'partly_refunded':
    case 'refunded':
    case 'quarantined':
      return { step: 'nothing' }
    case 'cancelled':
      // We let it go, and yet there is money: a late payment like any other.
      if (intent.status === 'captured') return { step: isReclaimable(circumstances) ? 'reclaim-sell' : 'refund' }
      return intent.status === 'authorized' ? { step: 'void', reason: 'late' } : { step: 'nothing' }
    case 'open':
    case 'processing':
    case 'authorized':
    case 'capturing':
  }
  const hasPlaces = reservation.reservedAt !== null
  switch (intent.status) {
    case 'open':
      // "Open" comes before "processing" and after it: only who has just asked knows which.
      return { step: payment.status === 'processing' && isTruth ? 'note-open' : 'nothing' }
    case 'processing':
      return { step: payment.status === 'open' ? 'note-processing' : 'nothing' }
    case 'authorized':
      // Not charged today what has to go back tomorrow. What was captured before the event was cancelled is sold, and then a ticket like
      // all others of that event, with its refund.
      if (event.status === 'cancelled') return { step: 'void', reason: 'event-cancelled' }
      if (hasPlaces) return { step: 'capture' }
      return isReclaimable(circumstances) ? { step: 'reclaim-capture' } : { step: 'void', reason: 'late' }
    case 'captured':
      if (hasPlaces) return { step: 'sell' }
      return { step: isReclaimable(circumstances) ? 'reclaim-sell' : 'refund' }
    case 'cancelled':
      return { step: 'give-up' }
  }
}

function mismatchOf({ payment, intent, isLive }: Circumstances): string | null {
  if (intent.isLive !== isLive) return 'wrong-mode'
  if (payment.providerRef !== null && intent.ref !== payment.providerRef) return 'another-intent'
  if (intent.currency !== payment.currency) return 'currency-differs'
  if (intent.amount !== payment.amount) return 'amount-differs'
  if (intent.status === 'captured' && intent.amountCaptured !== payment.amount) return 'captured-amount-differs'
  return null
}

/** Whether the places may be taken back at all; whether they can be had is found out by trying. */
function isReclaimable({ reservation, event, now }: Circumstances): boolean {
  return (
    event.latePayment === 'reclaim' &&
    reservation.state === 'expired' &&
    event.status !== 'ended' &&
    event.status !== 'cancelled' &&
    now < reservation.expiresAt + reclaimMs
  )
}
