import { isPassing, TerminalFault } from '#kernel/faults.ts'
import type { ReservationId, UserId } from '#kernel/ids.ts'
import {
  findPaymentOf,
  isOpen,
  lockPaymentOf,
  movePayment,
  type PaymentRecord,
  ProviderRefusal,
  requestCancel,
} from '#payments'
import { endReservation, lockReservation } from '#reservations'
import { cancelOrLearn } from './ask-provider.ts'
import { createIntent } from './create-intent.ts'
import type { CheckoutDeps } from './ports.ts'
import type { SettlePayment } from './settle-payment.ts'
import { tellPayment } from './tell.sql.ts'

/**
 * The buyer gives up a reservation whose payment is open. The provider decides: between the wish and its answer the buyer's own bank may
 * have said yes, and then the sale goes on.
 *
 * `cancelling`: the provider's answer is still to come, and a job goes on with it.
 */
export type CancelCheckout = (command: {
  eventNo: number
  reservationId: ReservationId
  userId: UserId
}) => Promise<'cancelled' | 'payment-in-progress' | 'cancelling' | 'not-found'>

export function createCancelCheckout(deps: CheckoutDeps & { settle: SettlePayment }): CancelCheckout {
  const { db, logger, origin } = deps
  return async ({ eventNo, reservationId, userId }) => {
    const payment = await db.transaction(async tx => {
      const found = await lockReservation(tx, eventNo, reservationId)
      const locked = await lockPaymentOf(tx, { eventNo, reservationId })
      if (found === null || locked === null || found.reservation.userId !== userId) return null
      if (!isOpen(locked.status) || locked.status === 'capturing' || locked.status === 'authorized') return locked
      await requestCancel(tx, locked, found.now)
      if (locked.createSentAt !== null || locked.providerRef !== null) return locked
      // Nothing was ever sent, so there is nothing to learn.
      const cancelled = await movePayment(tx, locked, { status: 'cancelled', nextLookAt: null })
      await endReservation(tx, { reservation: found.reservation, state: 'cancelled', now: found.now, origin })
      const news = { type: 'PaymentFailed', data: { final: true, reason: 'cancelled' } } as const
      await tellPayment(tx, cancelled, news, origin)
      return cancelled
    })
    if (payment === null) return 'not-found'
    if (payment.status === 'cancelled') return 'cancelled'
    if (payment.status !== 'open' && payment.status !== 'processing') return 'payment-in-progress'
    try {
      await learnThenCancel(deps, payment)
    } catch (error) {
      const isNoAnswer = isPassing(error)
      const isNo = error instanceof ProviderRefusal || error instanceof TerminalFault
      if (!isNoAnswer && !isNo) throw error
      if (isNo) logger.error({ err: error, payment_id: payment.paymentId }, 'the provider refuses to look at a payment')
      return 'cancelling'
    }
    const after = await findPaymentOf(db, eventNo, reservationId)
    return after?.status === 'cancelled' ? 'cancelled' : isCertain(after) ? 'payment-in-progress' : 'cancelling'
  }
}

function isCertain(payment: PaymentRecord | null): boolean {
  return payment?.status !== 'open' && payment?.status !== 'processing'
}

/**
 * Never cancels an intent that was not retrieved in the same step: it may have been paid. What the provider says then is settled.
 *
 * @throws RetryableFault or OutcomeUnknown when the provider does not answer
 */
async function learnThenCancel(deps: CheckoutDeps & { settle: SettlePayment }, payment: PaymentRecord): Promise<void> {
  const { provider, settle } = deps
  const learned =
    payment.providerRef === null ? await createIntent(deps, payment) : await provider.retrieve(payment.providerRef)
  const intent = learned.status === 'open' ? await cancelOrLearn(deps, learned.ref) : learned
  await settle(payment, { intent, isTruth: true })
}
