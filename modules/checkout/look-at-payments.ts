import { OutcomeUnknown, RetryableFault } from '#kernel/faults.ts'
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
import { findEnd } from './find-end.sql.ts'
import { createIntent } from './open-checkout.ts'
import type { CheckoutDeps } from './ports.ts'
import { cancelOrLearn, type SettlePayment } from './settle-payment.ts'

/** How long places wait for the provider's answer after the end of the hold. */
const unansweredMs = 60_000
/** A bank that said "processing" may need its time. */
const processingMs = 16 * 60_000

const atOnce = 50
const leaseMs = 30_000
/** From so many on, pages of the list tell more a call than single looks. */
const bulkFrom = 10
const pagesMax = 10
const backOffMaxMs = 60_000

/**
 * Asks the provider about payments that are due: those that nobody finished, those whose hold has ended, those that were queued while
 * it was away. It is what makes webhooks a convenience: without a single one, every payment comes to its end here.
 *
 * At the end of a hold: learn, then cancel. Places whose payment nobody can say anything of are freed a minute later; what is paid
 * after that is a late payment.
 */
export function lookAtPaymentsJob(deps: CheckoutDeps & { settle: SettlePayment }): Job {
  const { db, provider, settle, logger } = deps

  return {
    name: 'look-at-payments',
    everyMs: 500,
    async run() {
      const due = await takeDuePayments(db, { limit: atOnce, leaseMs })
      if (due.length === 0) return 'dry'
      const known = await learnInBulk(due)
      await Promise.all(due.map(payment => lookAt(payment, known.get(payment.providerRef ?? ''))))
      return due.length === atOnce ? 'more' : 'dry'
    },
  }

  async function lookAt(payment: PaymentRecord, known: Intent | undefined): Promise<void> {
    try {
      const { expiresAt, now } = await findEnd(db, payment)
      const isOver = expiresAt <= now || payment.cancelRequestedAt !== null
      if (payment.providerRef === null && payment.createSentAt === null && isOver) return await dropUnsent(payment)
      if (payment.providerRef === null) {
        const created = await createIntent(deps, payment)
        if (!isOver && created.status === 'open') return
        known = created
      }
      const learned = known ?? (await provider.retrieve(payment.providerRef!))
      const intent = isOver && learned.status === 'open' ? await cancelOrLearn(deps, learned.ref) : learned
      await settle(payment, { intent, isTruth: true })
    } catch (error) {
      if (!(error instanceof RetryableFault || error instanceof OutcomeUnknown || error instanceof ProviderRefusal)) {
        logger.error({ err: error, payment_id: payment.paymentId }, 'a payment could not be looked at')
      }
    }
    await planNext(payment)
  }

  async function planNext({ eventNo, paymentId }: PaymentRecord): Promise<void> {
    const payment = await findPayment(db, eventNo, paymentId)
    if (payment === null || !isOpen(payment.status)) return
    const { expiresAt, now, hasPlaces } = await findEnd(db, payment)
    const patience = payment.status === 'processing' ? processingMs : unansweredMs
    // Money may be on its way while we capture: those places wait as long as it takes.
    if (hasPlaces && payment.status !== 'capturing' && now >= expiresAt + patience) await freeUnanswered(payment)
    const backOffMs = Math.min(backOffMaxMs, 2000 * 2 ** payment.looks)
    const untilEnd = expiresAt - now
    await lookAgain(db, payment, untilEnd > 0 ? Math.min(backOffMs, untilEnd) : backOffMs)
  }

  /** Queued at checkout and never sent: nothing can exist at the provider. */
  async function dropUnsent(payment: PaymentRecord): Promise<void> {
    await db.transaction(async tx => {
      const found = await lockReservation(tx, payment.eventNo, payment.reservationId)
      const locked = await lockPaymentOf(tx, payment)
      if (found === null || locked === null || locked.status !== 'open' || locked.createSentAt !== null) return
      await movePayment(tx, locked, { status: 'cancelled', nextLookAt: null })
      await endReservation(tx, {
        reservation: found.reservation,
        state: found.reservation.expiresAt <= found.now ? 'expired' : 'cancelled',
        now: found.now,
        origin: deps.origin,
      })
    })
  }

  /** The places go back on sale; the payment stays open, and what the provider says of it later is a late payment. */
  async function freeUnanswered(payment: PaymentRecord): Promise<void> {
    await db.transaction(async tx => {
      const found = await lockReservation(tx, payment.eventNo, payment.reservationId)
      const locked = await lockPaymentOf(tx, payment)
      if (found === null || locked === null || !isOpen(locked.status) || locked.status === 'capturing') return
      const { reservation, now } = found
      if (reservation.state !== 'pending_payment' || reservation.expiresAt > now) return
      await endReservation(tx, { reservation, state: 'expired', now, origin: deps.origin })
      logger.warn(
        { payment_id: payment.paymentId },
        'the places of a payment that the provider says nothing of are freed',
      )
    })
  }

  /** Holds that end together are looked at by pages of the provider's list: a hundred answers for one call. */
  async function learnInBulk(due: readonly PaymentRecord[]): Promise<Map<string, Intent>> {
    const known = new Map<string, Intent>()
    const wanted = new Set(due.flatMap(payment => (payment.providerRef === null ? [] : [payment.providerRef])))
    if (wanted.size < bulkFrom) return known
    const createdSince = Math.min(...due.map(payment => payment.createdAt)) - 60_000
    try {
      let after: string | undefined
      for (let page = 0; page < pagesMax && known.size < wanted.size; page++) {
        const { items, hasMore } = await provider.list({ createdSince, ...(after !== undefined && { after }) })
        for (const intent of items) if (wanted.has(intent.ref)) known.set(intent.ref, intent)
        if (!hasMore) break
        after = items.at(-1)!.ref
      }
    } catch (error) {
      // Each is then asked for by itself.
      if (!(error instanceof RetryableFault || error instanceof OutcomeUnknown)) throw error
    }
    return known
  }
}
