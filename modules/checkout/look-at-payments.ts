import { isPassing } from '#kernel/faults.ts'
import {
  findPayment,
  type Intent,
  isOpen,
  lockPaymentOf,
  lookAgain,
  movePayment,
  type PaymentRecord,
  ProviderRefusal,
  takeDuePayments,
} from '#payments'
import type { Job } from '#platform/jobs/periodic.ts'
import { endReservation, lockReservation } from '#reservations'
import { cancelOrLearn } from './ask-provider.ts'
import { createIntent } from './create-intent.ts'
import { findEnd } from './find-end.sql.ts'
import { freePlaces } from './late-places.ts'
import type { CheckoutDeps } from './ports.ts'
import type { SettlePayment } from './settle-payment.ts'
import { tellPayment } from './tell.sql.ts'

/** How long places wait for the provider's answer after the end of the hold. */
const unansweredMs = 60_000
/** A bank that said "processing" may need its time. */
const processingMs = 16 * 60_000

const atOnceMax = 50
const leaseMs = 30_000
/** From so many on, pages of the list tell more a call than single looks. */
const bulkFrom = 10
const pagesMaxForSpeed = 10
const pagesMaxForCertainty = 300
const clocksDifferMs = 60_000
/** No call that makes an intent is under way for so long: what the provider's list does not have by then will not come. */
const createSureMs = 60_000
const backOffMaxMs = 60_000

type Known = { byRef: Map<string, Intent>; byPayment: Map<string, Intent>; isComplete: boolean }

/** How long after the end of its hold its places wait. Money may be on its way while we capture: those wait as long as it takes. */
function patienceWith({ status }: PaymentRecord): number {
  if (status === 'capturing') return Number.POSITIVE_INFINITY
  return status === 'processing' ? processingMs : unansweredMs
}

/**
 * Asks the provider about payments that are due: those that nobody finished, those whose hold has ended, those that were queued while
 * it was away. It is what makes webhooks a convenience: without a single one, every payment comes to its end here.
 *
 * At the end of a hold: learn, then cancel. Places whose payment nobody can say anything of are freed a minute later; what is paid
 * after that is a late payment.
 */
export function lookAtPaymentsJob(deps: CheckoutDeps & { settle: SettlePayment; atOnce?: number }): Job {
  const { db, provider, settle, logger, counts, origin, atOnce = atOnceMax } = deps

  return {
    name: 'look-at-payments',
    everyMs: 500,
    async run() {
      const due = await takeDuePayments(db, { provider: provider.id, limit: atOnce, leaseMs })
      if (due.length === 0) return 'dry'
      const known = await learnInBulk(due)
      await Promise.all(due.map(payment => lookAt(payment, known)))
      return due.length === atOnce ? 'more' : 'dry'
    },
  }

  async function lookAt(payment: PaymentRecord, known: Known): Promise<void> {
    try {
      const { expiresAt, now } = await findEnd(db, payment)
      const isOver = expiresAt <= now || payment.cancelRequestedAt !== null
      let learned = known.byRef.get(payment.providerRef ?? '') ?? known.byPayment.get(payment.paymentId)
      if (payment.providerRef === null && learned === undefined) {
        const { createSentAt, looks } = payment
        const isNowhere = createSentAt === null || (known.isComplete && now > createSentAt + createSureMs)
        if (isOver && isNowhere) return await dropWithoutIntent(payment)
        // A provider may keep its own failure under a key, so what is nowhere is made under another.
        learned = await createIntent(deps, payment, { round: isNowhere && createSentAt !== null ? looks : 0 })
        if (!isOver && learned.status === 'open') return
      }
      learned ??= await provider.retrieve(payment.providerRef!)
      const intent = isOver && learned.status === 'open' ? await cancelOrLearn(deps, learned.ref) : learned
      await settle(payment, { intent, isTruth: true })
    } catch (error) {
      if (!isPassing(error)) {
        logger.error({ err: error, payment_id: payment.paymentId }, 'a payment could not be looked at')
        const reason = error instanceof ProviderRefusal ? error.code : 'fault'
        counts.outcomes.inc({ provider: provider.id, outcome: 'look-refused', reason })
      }
    }
    await planNext(payment)
  }

  async function planNext({ eventNo, paymentId }: PaymentRecord): Promise<void> {
    const payment = await findPayment(db, eventNo, paymentId)
    if (payment === null || !isOpen(payment.status)) return
    const { expiresAt, now, hasPlaces } = await findEnd(db, payment)
    if (hasPlaces && now >= expiresAt + patienceWith(payment)) await freeUnanswered(payment)
    const backOffMs = Math.min(backOffMaxMs, 2000 * 2 ** payment.looks)
    const untilEnd = expiresAt - now
    await lookAgain(db, payment, untilEnd > 0 ? Math.min(backOffMs, untilEnd) : backOffMs)
  }

  /** Nothing of it exists at the provider, and nothing will: never sent, or long ago and not in the provider's list. */
  async function dropWithoutIntent(payment: PaymentRecord): Promise<void> {
    await db.transaction(async tx => {
      const found = await lockReservation(tx, payment.eventNo, payment.reservationId)
      const locked = await lockPaymentOf(tx, payment)
      if (found === null || locked === null || locked.status !== 'open' || locked.providerRef !== null) return
      // Sent meanwhile, by a buyer who asked again: then there is something to learn.
      if (locked.createSentAt !== payment.createSentAt) return
      const { reservation, now } = found
      const hasEnded = reservation.expiresAt <= now
      // Nor is it over where there is more time now.
      if (!hasEnded && locked.cancelRequestedAt === null) return
      const cancelled = await movePayment(tx, locked, { status: 'cancelled', nextLookAt: null })
      await freePlaces(tx, { reservation, now, state: hasEnded ? 'expired' : 'cancelled', origin })
      const reason = locked.cancelRequestedAt !== null ? 'cancelled' : 'queue-ended'
      await tellPayment(tx, cancelled, { type: 'PaymentFailed', data: { final: true, reason } }, origin)
    })
  }

  /** The places go back on sale; the payment stays open, and what the provider says of it later is a late payment. */
  async function freeUnanswered(payment: PaymentRecord): Promise<void> {
    await db.transaction(async tx => {
      const found = await lockReservation(tx, payment.eventNo, payment.reservationId)
      const locked = await lockPaymentOf(tx, payment)
      if (found === null || locked === null || !isOpen(locked.status)) return
      const { reservation, now } = found
      // A buyer who was queued meanwhile has been given more time.
      if (reservation.state !== 'pending_payment' || now < reservation.expiresAt + patienceWith(locked)) return
      await endReservation(tx, { reservation, state: 'expired', now, origin })
      logger.warn(
        { payment_id: payment.paymentId },
        'the places of a payment that the provider says nothing of are freed',
      )
    })
  }

  /**
   * Holds that end together are looked at by pages of the provider's list: a hundred answers for one call. Where the answer to making an
   * intent was lost, the list is also what says that there is none.
   */
  async function learnInBulk(due: readonly PaymentRecord[]): Promise<Known> {
    const known: Known = { byRef: new Map(), byPayment: new Map(), isComplete: false }
    const bound = new Set(due.flatMap(payment => payment.providerRef ?? []))
    const sent = due.filter(({ providerRef, createSentAt }) => providerRef === null && createSentAt !== null)
    const now = sent.length === 0 ? 0 : (await findEnd(db, sent[0]!)).now
    const unbound = sent.filter(({ createSentAt }) => now > createSentAt! + createSureMs)
    const wanted = new Set(unbound.map(payment => payment.paymentId))
    if (bound.size < bulkFrom && wanted.size === 0) return known
    const isFound = () =>
      wanted.size === known.byPayment.size && (bound.size < bulkFrom || known.byRef.size === bound.size)
    const oldest = bound.size < bulkFrom ? unbound : due
    const createdSince = Math.min(...oldest.map(payment => payment.createdAt)) - clocksDifferMs
    const pagesMax = wanted.size > 0 ? pagesMaxForCertainty : pagesMaxForSpeed
    try {
      let after: string | undefined
      for (let page = 0; page < pagesMax && !isFound(); page++) {
        const { items, hasMore } = await provider.list({ createdSince, ...(after !== undefined && { after }) })
        for (const intent of items) {
          if (bound.has(intent.ref)) known.byRef.set(intent.ref, intent)
          if (intent.paymentId !== null && wanted.has(intent.paymentId)) known.byPayment.set(intent.paymentId, intent)
        }
        known.isComplete = !hasMore
        if (!hasMore) break
        after = items.at(-1)!.ref
      }
    } catch (error) {
      // Each is then asked for by itself.
      if (!isPassing(error)) throw error
    }
    return known
  }
}
