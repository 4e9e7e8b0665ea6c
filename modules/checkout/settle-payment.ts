import { assert } from '#kernel/assert.ts'
import { isPassing } from '#kernel/faults.ts'
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
} from '#payments'
import type { Tx } from '#platform/postgres/database.ts'
import { lockReservation, type ReservationRecord } from '#reservations'
import { cancelOrLearn, captureOrLearn } from './ask-provider.ts'
import { eventPolicy } from './event-policy.sql.ts'
import { judgePayment } from './judge-payment.ts'
import { freePlaces, reclaim, sweepRunOut } from './late-places.ts'
import type { CheckoutDeps } from './ports.ts'
import { sellOrder } from './sell-order.ts'
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

/** Steps that one piece of news can bring: swept, capture refused, cancelled, given up, and one to spare. */
const stepsMax = 6
const captureLookMs = 10_000
const retryLookMs = 2000

type News = Learned & { captureRefused: string | null; hasSwept: boolean }

type Applied = {
  payment: PaymentRecord
  /** `sweep`: the places of areas are not to be had, and holds that have run out may still count among them. */
  next: 'done' | 'capture' | 'void' | 'sweep' | 'mismatch'
  reason?: string
}

/** One turn of settling: what it is about, under its locks, and what happened, for the counters once it is committed. */
type Turn = {
  tx: Tx
  payment: PaymentRecord
  reservation: ReservationRecord
  event: { status: string }
  now: number
  hasSwept: boolean
  happened: (outcome: string, reason?: string) => void
}

export function createSettlePayment(deps: CheckoutDeps): SettlePayment {
  const { db, provider, logger, counts, origin } = deps

  return async (first, learned) => {
    let { intent, isTruth } = learned
    let payment = first
    let captureRefused: string | null = null
    let hasSwept = false
    for (let step = 0; step < stepsMax; step++) {
      const applied = await applyAndCount(payment, { intent, isTruth, captureRefused, hasSwept })
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
      if (applied.next === 'sweep') {
        await sweepRunOut(db, origin)
        hasSwept = true
        continue
      }
      try {
        if (applied.next === 'capture') {
          const captured = await captureOrLearn(deps, payment, intent)
          captureRefused = captured.refusedWith ?? captureRefused
          intent = captured.intent
        } else intent = await cancelOrLearn(deps, intent.ref)
        isTruth = true
      } catch (error) {
        if (!isPassing(error)) throw error
        await lookSooner(db, payment, retryLookMs)
        return { kind: 'pending', payment }
      }
    }
    throw new Error(`payment ${first.paymentId} did not come to rest in ${stepsMax} steps`)
  }

  /** A transaction may run again, and what happened in one that was undone did not happen. */
  async function applyAndCount(payment: PaymentRecord, news: News): Promise<Applied> {
    let outcomes: { outcome: string; reason: string }[] = []
    const applied = await db.transaction(tx => {
      outcomes = []
      return apply(tx, payment, news, (outcome, reason = '') => outcomes.push({ outcome, reason }))
    })
    for (const { outcome, reason } of outcomes) counts.outcomes.inc({ provider: provider.id, outcome, reason })
    return applied
  }

  async function apply(tx: Tx, known: PaymentRecord, news: News, happened: Turn['happened']): Promise<Applied> {
    const { eventNo, reservationId, paymentId } = known
    const { intent, isTruth, captureRefused, hasSwept } = news
    const found = await lockReservation(tx, eventNo, reservationId)
    let payment = await lockPaymentOf(tx, { eventNo, reservationId })
    assert(found !== null && payment?.paymentId === paymentId, 'a payment stays with its reservation')
    const { reservation, now } = found
    const event = await eventPolicy(tx, eventNo)
    const judged = judgePayment({ payment, reservation, intent, isTruth, isLive: provider.isLive, event, now })
    const turn: Turn = { tx, payment, reservation, event, now, hasSwept, happened }
    if (judged.step === 'mismatch') {
      const applied = isTruth ? await quarantine(turn, intent, judged.reason) : payment
      return { payment: applied, next: 'mismatch', reason: judged.reason }
    }
    if (payment.providerRef === null) {
      const isBound = await bindRef(tx, payment, intent.ref)
      assert(isBound, 'an intent belongs to one payment')
    }
    if (intent.lastDecline !== null && (await noteDecline(tx, payment, intent.lastDecline))) {
      happened('declined', intent.lastDecline.code)
      // Each decline is a change of its own: two messages of one revision would pass for one.
      payment = await movePayment(tx, payment, { status: payment.status, nextLookAt: payment.nextLookAt })
      await tellPayment(tx, payment, { type: 'PaymentFailed', data: { final: false, reason: 'declined' } }, origin)
      turn.payment = payment
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
        return { payment: await beginCapture(turn, { late: false }), next: 'capture' }
      case 'void':
        return voidAuthorization(turn, judged.reason)
      case 'sell':
        return { payment: await sell(turn), next: 'done' }
      case 'refund':
        return { payment: await refundLate(turn), next: 'done' }
      case 'give-up':
        return { payment: await giveUp(turn, captureRefused), next: 'done' }
      case 'reclaim-capture':
      case 'reclaim-sell':
        return takeBack(turn, judged.step)
    }
  }

  async function takeBack(turn: Turn, step: 'reclaim-capture' | 'reclaim-sell'): Promise<Applied> {
    const { tx, payment, reservation, now, hasSwept } = turn
    if ((await reclaim(tx, { reservation, now, origin })) === 'gone') {
      if (reservation.areas.length > 0 && !hasSwept) return { payment, next: 'sweep' }
      if (step === 'reclaim-capture') return voidAuthorization(turn, 'late')
      return { payment: await refundLate(turn), next: 'done' }
    }
    if (step === 'reclaim-capture') return { payment: await beginCapture(turn, { late: true }), next: 'capture' }
    const again = await lockReservation(tx, payment.eventNo, payment.reservationId)
    return { payment: await sell({ ...turn, reservation: again!.reservation }), next: 'done' }
  }

  async function beginCapture({ tx, payment, now }: Turn, { late }: { late: boolean }): Promise<PaymentRecord> {
    return movePayment(tx, payment, { status: 'capturing', late, nextLookAt: now + captureLookMs })
  }

  async function sell({ tx, payment, reservation, now, happened }: Turn): Promise<PaymentRecord> {
    const captured = await sellOrder(tx, deps, { payment, reservation, now })
    happened(reservation.state === 'expired' ? 'reclaimed' : 'sold')
    counts.holdToPaid.observe((now - reservation.createdAt) / 1000)
    return captured
  }

  /** Authorised, and not to be had any more: nothing is charged. The provider's answer to the cancellation gives the payment up. */
  async function voidAuthorization({ tx, payment, now }: Turn, why: 'late' | 'event-cancelled'): Promise<Applied> {
    if (payment.status === 'cancelled') return { payment, next: 'void' }
    const { status } = payment
    const change = { status, late: why === 'late', nextLookAt: now + captureLookMs }
    return { payment: await movePayment(tx, payment, change), next: 'void' }
  }

  async function refundLate({ tx, payment, now, happened }: Turn): Promise<PaymentRecord> {
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
    assert(decided !== null, 'money that comes late goes back once: what has been decided is not judged again')
    const news = { type: 'RefundRequired', data: { refund_id: refundId, amount, reason: 'late-payment' } } as const
    await tellPayment(tx, owing, news, origin)
    happened('refunded', 'late')
    return owing
  }

  /** Nothing will come of it: the places are free again. */
  async function giveUp(turn: Turn, captureRefused: string | null): Promise<PaymentRecord> {
    const { tx, payment, reservation, event, now, happened } = turn
    const hadEnded = reservation.expiresAt <= now
    // Whoever had authorised thinks that they have paid, whoever took that back: their bank or somebody in the provider's pages.
    const wasAuthorized = captureRefused !== null || payment.status === 'capturing'
    const reason =
      wasAuthorized && event.status !== 'cancelled'
        ? 'capture-refused'
        : payment.late
          ? 'late'
          : event.status === 'cancelled'
            ? 'event-cancelled'
            : hadEnded
              ? 'hold-ended'
              : 'cancelled'
    const cancelled = await movePayment(tx, payment, { status: 'cancelled', nextLookAt: null })
    const state = hadEnded && !wasAuthorized ? 'expired' : 'cancelled'
    await freePlaces(tx, { reservation, now, state, origin })
    await tellPayment(tx, cancelled, { type: 'PaymentFailed', data: { final: true, reason } }, origin)
    happened('given-up', captureRefused ?? reason)
    return cancelled
  }

  /** What does not fit is never applied; the money in it is in the books until somebody has looked. */
  async function quarantine(turn: Turn, intent: Intent, reason: string): Promise<PaymentRecord> {
    const { tx, payment, reservation, now, happened } = turn
    if (!isOpen(payment.status) && payment.status !== 'cancelled') return payment
    const kept = await movePayment(tx, payment, {
      status: 'quarantined',
      capturedAmount: intent.amountCaptured,
      quarantineReason: reason,
      nextLookAt: null,
    })
    const state = reservation.expiresAt <= now ? 'expired' : 'cancelled'
    await freePlaces(tx, { reservation, now, state, origin })
    happened('quarantined', reason)
    return kept
  }
}
