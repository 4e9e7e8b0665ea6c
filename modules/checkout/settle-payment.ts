import { assert } from '#kernel/assert.ts'
import { OutcomeUnknown, RetryableFault } from '#kernel/faults.ts'
import { newId } from '#kernel/ids.ts'
import {
  bindRef,
  type Intent,
  insertRefund,
  isOpen,
  lockPaymentOf,
  lookSooner,
  movePayment,
  noteDecline,
  type PaymentRecord,
  ProviderRefusal,
} from '#payments'
import type { Tx } from '#platform/postgres/database.ts'
import {
  endReservation,
  lockNewerHold,
  lockReservation,
  type ReservationRecord,
  reclaimPlaces,
  releaseReclaimed,
  sellPlaces,
} from '#reservations'
import { eventPolicy } from './event-policy.sql.ts'
import { judgePayment } from './judge-payment.ts'
import type { CheckoutDeps } from './ports.ts'
import { tellPayment } from './tell.sql.ts'

/**
 * The one place where what the provider says of a payment takes effect, whoever brings it: webhook, poll, reconciler, the buyer's
 * wish to cancel. It may be called any number of times, at once, in any order, with news of any age.
 *
 *   learn (an intent, as the provider has or had it)
 *     -> one transaction under the locks of reservation and payment: judge, write
 *     -> a call to the provider, if the judgement asks for one, outside of any transaction
 *     -> learn again, from its answer
 *
 * A ticket exists only after `captured`: `capturing` is committed first, then the provider captures, then one transaction writes
 * seats sold, reservation confirmed, tickets. A crash between any two of these leaves a payment whose time to be looked at comes.
 */
export type SettlePayment = (payment: PaymentRecord, learned: Learned) => Promise<Settled>

/**
 * `isTruth`: just read from the provider. What an event tells may be old, and if it does not fit our record that says nothing of
 * the payment: it is put aside and the provider is asked.
 */
export type Learned = { intent: Intent; isTruth: boolean }

export type Settled =
  | { kind: 'settled'; payment: PaymentRecord }
  /** The provider's answer is still to come; the payment is looked at again. */
  | { kind: 'pending'; payment: PaymentRecord }
  | { kind: 'mismatch'; reason: string; payment: PaymentRecord }

/** Steps that one piece of news can bring: capture refused, cancelled, given up, and one to spare. */
const stepsMax = 6
const captureLookMs = 10_000
const retryLookMs = 2000

type Applied = { payment: PaymentRecord; next: 'done' | 'capture' | 'void' | 'mismatch'; reason?: string }

export function createSettlePayment(deps: CheckoutDeps): SettlePayment {
  const { db, provider, logger, counts } = deps

  return async (first, learned) => {
    let { intent, isTruth } = learned
    let payment = first
    let captureRefused: string | null = null
    for (let step = 0; step < stepsMax; step++) {
      const applied = await db.transaction(tx => apply(tx, payment, { intent, isTruth, captureRefused }))
      payment = applied.payment
      if (applied.next === 'done') return { kind: 'settled', payment }
      if (applied.next === 'mismatch') {
        counts.discrepancies.inc({ kind: applied.reason! })
        logger.error(
          { payment_id: payment.paymentId, reason: applied.reason },
          'the provider says what does not fit our record',
        )
        if (!isTruth) await lookSooner(db, payment, 0)
        return { kind: 'mismatch', reason: applied.reason!, payment }
      }
      try {
        if (applied.next === 'capture') {
          const captured = await captureOrLearn(payment, intent)
          captureRefused = captured.refusedWith ?? captureRefused
          intent = captured.intent
        } else intent = await cancelOrLearn(deps, intent.ref)
        isTruth = true
      } catch (error) {
        if (!(error instanceof RetryableFault || error instanceof OutcomeUnknown)) throw error
        await lookSooner(db, payment, retryLookMs)
        return { kind: 'pending', payment }
      }
    }
    throw new Error(`payment ${first.paymentId} did not come to rest in ${stepsMax} steps`)
  }

  /** Captures. Refused for good: lets the authorisation go, so that the buyer's bank forgets it. */
  async function captureOrLearn(
    payment: PaymentRecord,
    authorized: Intent,
  ): Promise<{ intent: Intent; refusedWith: string | null }> {
    try {
      const { paymentId, amount } = payment
      return { intent: await provider.capture(authorized.ref, { paymentId, amount }), refusedWith: null }
    } catch (error) {
      if (!(error instanceof ProviderRefusal)) throw error
      const now = await provider.retrieve(authorized.ref)
      if (now.status !== 'authorized')
        return { intent: now, refusedWith: now.status === 'captured' ? null : error.code }
      return { intent: await cancelOrLearn(deps, authorized.ref), refusedWith: error.code }
    }
  }

  async function apply(
    tx: Tx,
    { eventNo, reservationId, paymentId }: PaymentRecord,
    news: Learned & { captureRefused: string | null },
  ): Promise<Applied> {
    const { intent, isTruth, captureRefused } = news
    const found = await lockReservation(tx, eventNo, reservationId)
    let payment = await lockPaymentOf(tx, { eventNo, reservationId })
    assert(found !== null && payment?.paymentId === paymentId, 'a payment stays with its reservation')
    const { reservation, now } = found
    const event = await eventPolicy(tx, eventNo)
    const judged = judgePayment({ payment, reservation, intent, isLive: provider.isLive, event, now })
    if (judged.step === 'mismatch') {
      const applied = isTruth ? await quarantine(tx, payment, reservation, intent, judged.reason, now) : payment
      return { payment: applied, next: 'mismatch', reason: judged.reason }
    }
    if (payment.providerRef === null) {
      const isBound = await bindRef(tx, payment, intent.ref)
      assert(isBound, 'an intent belongs to one payment')
    }
    if (intent.lastDecline !== null && (await noteDecline(tx, payment, intent.lastDecline))) {
      counts.outcomes.inc({ provider: provider.name, outcome: 'declined', reason: intent.lastDecline.code })
      // Each decline is a change of its own: two messages of one revision would pass for one.
      payment = await movePayment(tx, payment, { status: payment.status, nextLookAt: payment.nextLookAt })
      await tellPayment(tx, payment, { type: 'PaymentFailed', data: { final: false, reason: 'declined' } }, deps.origin)
    }
    switch (judged.step) {
      case 'nothing':
        return { payment, next: 'done' }
      case 'note-open':
      case 'note-processing': {
        const status = judged.step === 'note-open' ? 'open' : 'processing'
        return { payment: await movePayment(tx, payment, { status, nextLookAt: payment.nextLookAt }), next: 'done' }
      }
      case 'capture':
        return { payment: await beginCapture(tx, payment, now, false), next: 'capture' }
      case 'reclaim-capture':
        if (await reclaim(tx, reservation, now))
          return { payment: await beginCapture(tx, payment, now, true), next: 'capture' }
        return voidLate(tx, payment, now)
      case 'void':
        return voidLate(tx, payment, now)
      case 'sell':
        return { payment: await sell(tx, payment, reservation, now), next: 'done' }
      case 'reclaim-sell':
        if (await reclaim(tx, reservation, now)) {
          const again = await lockReservation(tx, eventNo, reservationId)
          return { payment: await sell(tx, payment, again!.reservation, now), next: 'done' }
        }
        return { payment: await refundLate(tx, payment, now), next: 'done' }
      case 'refund':
        return { payment: await refundLate(tx, payment, now), next: 'done' }
      case 'give-up':
        return { payment: await giveUp(tx, payment, reservation, now, captureRefused), next: 'done' }
    }
  }

  async function beginCapture(tx: Tx, payment: PaymentRecord, now: number, late: boolean): Promise<PaymentRecord> {
    return movePayment(tx, payment, { status: 'capturing', late, nextLookAt: now + captureLookMs })
  }

  /** The sale: seats sold, reservation confirmed, tickets, payment captured, and the news of it, or none of these. */
  async function sell(
    tx: Tx,
    payment: PaymentRecord,
    reservation: ReservationRecord,
    now: number,
  ): Promise<PaymentRecord> {
    const late = reservation.state === 'expired'
    await sellPlaces(tx, { reservation, from: 'reserved', late, now, origin: deps.origin })
    const captured = await movePayment(tx, payment, {
      status: 'captured',
      capturedAmount: payment.amount,
      late,
      nextLookAt: null,
    })
    await issue(tx, deps, { payment: captured, reservation, now })
    await tellPayment(tx, captured, { type: 'PaymentSucceeded', data: {} }, deps.origin)
    counts.outcomes.inc({ provider: provider.name, outcome: late ? 'reclaimed' : 'sold', reason: '' })
    deps.counts.holdToPaid.observe((now - reservation.createdAt) / 1000)
    return captured
  }

  /** Takes the places back for a late payment, from the buyer's own newer hold if they are there; false: not all are to be had. */
  async function reclaim(tx: Tx, reservation: ReservationRecord, now: number): Promise<boolean> {
    const wanted = new Set(reservation.seats.map(seat => seat.seatNo))
    const newer = await lockNewerHold(tx, reservation)
    if (newer?.seatNos.some(seatNo => wanted.has(seatNo))) {
      const found = await lockReservation(tx, reservation.eventNo, newer.reservationId)
      await endReservation(tx, { reservation: found!.reservation, state: 'cancelled', now, origin: deps.origin })
    }
    return reclaimPlaces(tx, { reservation, now, origin: deps.origin })
  }

  /** Authorised too late: nothing is charged. The provider's answer to the cancellation gives the payment up. */
  async function voidLate(tx: Tx, payment: PaymentRecord, now: number): Promise<Applied> {
    const nextLookAt = now + captureLookMs
    if (payment.status === 'cancelled') return { payment, next: 'void' }
    return { payment: await movePayment(tx, payment, { status: payment.status, late: true, nextLookAt }), next: 'void' }
  }

  async function refundLate(tx: Tx, payment: PaymentRecord, now: number): Promise<PaymentRecord> {
    const owing = await movePayment(tx, payment, {
      status: 'refund_pending',
      capturedAmount: payment.amount,
      late: true,
      nextLookAt: null,
    })
    const { eventNo, paymentId, amount, currency } = payment
    const refundId = newId('rfd', deps, eventNo)
    const decided = await insertRefund(tx, {
      eventNo,
      refundId,
      paymentId,
      reason: 'late-payment',
      sequence: 1,
      amount,
      currency,
      requestedBy: null,
      note: null,
      now,
    })
    if (decided !== null)
      await tellPayment(
        tx,
        owing,
        { type: 'RefundRequired', data: { refund_id: refundId, amount, reason: 'late-payment' } },
        deps.origin,
      )
    counts.outcomes.inc({ provider: provider.name, outcome: 'refunded', reason: 'late' })
    return owing
  }

  /** Nothing will come of it: the places are free again. */
  async function giveUp(
    tx: Tx,
    payment: PaymentRecord,
    reservation: ReservationRecord,
    now: number,
    captureRefused: string | null,
  ): Promise<PaymentRecord> {
    const hadEnded = reservation.expiresAt <= now
    const reason =
      captureRefused !== null ? 'capture-refused' : payment.late ? 'late' : hadEnded ? 'hold-ended' : 'cancelled'
    const cancelled = await movePayment(tx, payment, { status: 'cancelled', nextLookAt: null })
    await freePlaces(tx, reservation, now, hadEnded && captureRefused === null ? 'expired' : 'cancelled')
    const final = reason === 'capture-refused' || reason === 'late'
    await tellPayment(tx, cancelled, { type: 'PaymentFailed', data: { final, reason } }, deps.origin)
    counts.outcomes.inc({ provider: provider.name, outcome: 'given-up', reason: captureRefused ?? reason })
    return cancelled
  }

  /** What does not fit is never applied; the money in it is in the books until somebody has looked. */
  async function quarantine(
    tx: Tx,
    payment: PaymentRecord,
    reservation: ReservationRecord,
    intent: Intent,
    reason: string,
    now: number,
  ): Promise<PaymentRecord> {
    if (!isOpen(payment.status) && payment.status !== 'cancelled') return payment
    const kept = await movePayment(tx, payment, {
      status: 'quarantined',
      capturedAmount: intent.amountCaptured,
      quarantineReason: reason,
      nextLookAt: null,
    })
    await freePlaces(tx, reservation, now, reservation.expiresAt <= now ? 'expired' : 'cancelled')
    counts.outcomes.inc({ provider: provider.name, outcome: 'quarantined', reason })
    return kept
  }

  async function freePlaces(
    tx: Tx,
    reservation: ReservationRecord,
    now: number,
    state: 'expired' | 'cancelled',
  ): Promise<void> {
    if (reservation.reservedAt === null) return
    const { origin } = deps
    if (reservation.state === 'pending_payment') await endReservation(tx, { reservation, state, now, origin })
    else await releaseReclaimed(tx, { reservation, now, origin })
  }
}

/** The tickets of a sale, in its transaction, and the news of them. */
export async function issue(
  tx: Tx,
  deps: Pick<CheckoutDeps, 'tickets' | 'placesOf' | 'origin'>,
  sale: {
    payment: Pick<
      PaymentRecord,
      'eventNo' | 'paymentId' | 'reservationId' | 'userId' | 'amount' | 'currency' | 'revision' | 'name'
    >
    reservation: ReservationRecord
    now: number
  },
): Promise<void> {
  const { payment, reservation, now } = sale
  const places = await deps.placesOf(reservation)
  const issued = await deps.tickets.issue(tx, {
    eventNo: reservation.eventNo,
    reservationId: reservation.reservationId,
    userId: reservation.userId,
    holderName: payment.name,
    currency: reservation.currency,
    places,
    issuedAt: now,
  })
  const tickets = issued.map(({ ticketId, seatNo, amount }) => ({ ticket_id: ticketId, seat_no: seatNo, amount }))
  await tellPayment(tx, payment, { type: 'TicketsIssued', data: { tickets } }, deps.origin)
}

/** Gives an intent up that was just retrieved; if it has moved on meanwhile, what it is now. */
export async function cancelOrLearn({ provider }: Pick<CheckoutDeps, 'provider'>, ref: string): Promise<Intent> {
  try {
    return await provider.cancel(ref)
  } catch (error) {
    if (!(error instanceof ProviderRefusal)) throw error
    return error.intent ?? (await provider.retrieve(ref))
  }
}
