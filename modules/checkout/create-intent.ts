import { RetryableFault } from '#kernel/faults.ts'
import {
  bindRef,
  type Intent,
  isOpen,
  lockPaymentOf,
  movePayment,
  noteCreateSent,
  type PaymentRecord,
  planLook,
} from '#payments'
import { lockReservation } from '#reservations'
import type { CheckoutDeps } from './ports.ts'
import { tellPayment } from './tell.sql.ts'

/**
 * Creates the intent of a payment and binds it. The payment's id is the key, so that any number of calls, from any process, makes one
 * intent.
 *
 * @param round another one is for when the provider's list has shown that nothing came of those before
 * @param isFirst this call is the first one for the payment for certain
 * @throws RetryableFault also where the payment has come to its end meanwhile: nobody may be led to pay for nothing
 */
export async function createIntent(
  deps: CheckoutDeps,
  payment: PaymentRecord,
  { isFirst = payment.createSentAt === null, round = 0 } = {},
): Promise<Intent> {
  const { db, provider } = deps
  // Not even sent: then it stays certain that the provider has nothing of it.
  if (provider.breaker() === 'open') throw new RetryableFault('the payment provider is away')
  if (!(await db.transaction(tx => noteCreateSent(tx, payment)))) throw new RetryableFault('the payment has ended')
  const created = await provider.create({
    paymentId: payment.paymentId,
    round,
    amount: payment.amount,
    currency: payment.currency,
    description: `Reservation ${payment.reservationId}`,
    metadata: {
      reservation_id: payment.reservationId,
      ...(payment.traceparent !== null && { traceparent: payment.traceparent }),
    },
  })
  await bind(deps, payment, created)
  // To a call that is repeated the provider may answer as it did the first time.
  return isFirst ? created : provider.retrieve(created.ref)
}

/** What was learned without settling: the intent is this payment's, and the buyer who waited for it is told. */
async function bind(deps: CheckoutDeps, payment: PaymentRecord, intent: Intent): Promise<void> {
  const isBound = await deps.db.transaction(async tx => {
    const found = await lockReservation(tx, payment.eventNo, payment.reservationId)
    const locked = await lockPaymentOf(tx, payment)
    if (found === null || locked === null || !(await bindRef(tx, locked, intent.ref))) return false
    if (!isOpen(locked.status)) return true
    const { expiresAt } = found.reservation
    // Nothing to ask before the hold ends, unless the provider tells.
    if (locked.status === 'open') await planLook(tx, locked, Math.max(found.now, expiresAt))
    if (locked.queuedAt === null || found.reservation.reservedAt === null) return true
    const ready = await movePayment(tx, locked, { status: locked.status, nextLookAt: expiresAt })
    await tellPayment(tx, ready, { type: 'CheckoutReady', data: { hold_until: expiresAt } }, deps.origin)
    return true
  })
  if (isBound) return
  deps.counts.discrepancies.inc({ kind: 'two-intents' })
  deps.logger.error({ payment_id: payment.paymentId, provider_ref: intent.ref }, 'a payment has another intent already')
  throw new RetryableFault('the payment has another intent')
}
