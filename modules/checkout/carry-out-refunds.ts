import { OutcomeUnknown, RetryableFault } from '#kernel/faults.ts'
import {
  endRefund,
  findPayment,
  lockPaymentOf,
  movePayment,
  type PaymentRecord,
  ProviderRefusal,
  type RefundRecord,
  refundsOf,
  retryRefund,
  takeDueRefunds,
} from '#payments'
import type { Job } from '#platform/jobs/periodic.ts'
import { lockReservation } from '#reservations'
import type { CheckoutDeps } from './ports.ts'
import { tellPayment } from './tell.sql.ts'

const atOnce = 25
const leaseMs = 30_000
const pendingLookMs = 10_000

/** What the provider says of a refund takes effect here, whoever brings it. */
export type SettleRefund = (
  payment: PaymentRecord,
  told: { ref: string; refundId: string | null; status: 'pending' | 'succeeded' | 'failed'; amount: number },
) => Promise<void>

export function createSettleRefund(deps: CheckoutDeps): SettleRefund {
  const { db, counts, logger } = deps
  return async (first, told) => {
    await db.transaction(async tx => {
      await lockReservation(tx, first.eventNo, first.reservationId)
      const payment = await lockPaymentOf(tx, first)
      const all = payment === null ? [] : await refundsOf(tx, payment)
      const refund = all.find(known => known.refundId === told.refundId)
      if (payment === null || refund === undefined || refund.amount !== told.amount) {
        counts.discrepancies.inc({ kind: 'unknown-refund' })
        logger.error({ provider_ref: told.ref }, 'the provider has a refund that our record does not explain')
        return
      }
      if (told.status === 'pending') return
      if (!(await endRefund(tx, refund, { status: told.status, providerRef: told.ref }))) return
      const after = all.map(known => (known === refund ? { ...known, status: told.status } : known))
      const moved = await movePayment(tx, payment, { status: statusAfter(payment, after), nextLookAt: null })
      const { refundId, amount, reason } = refund
      if (told.status === 'succeeded')
        await tellPayment(
          tx,
          moved,
          { type: 'PaymentRefunded', data: { refund_id: refundId, amount, reason } },
          deps.origin,
        )
      else logger.error({ refund_id: refundId }, 'the provider could not carry out a refund; somebody must')
      counts.outcomes.inc({ provider: deps.provider.name, outcome: `refund-${told.status}`, reason })
    })
  }
}

/** A quarantined payment stays what it is, whatever goes back of it. */
function statusAfter(payment: PaymentRecord, refunds: readonly RefundRecord[]): PaymentRecord['status'] {
  if (payment.status === 'quarantined') return 'quarantined'
  if (refunds.some(refund => refund.status === 'pending')) return 'refund_pending'
  const given = refunds.reduce((sum, refund) => sum + (refund.status === 'succeeded' ? refund.amount : 0), 0)
  return given === 0 ? 'captured' : given < payment.capturedAmount ? 'partly_refunded' : 'refunded'
}

/**
 * Carries out what was decided. It asks first what the provider has, because an answer may have been lost; the refund's id is the key of
 * the call, so that there is one refund however often it is made.
 */
export function carryOutRefundsJob(deps: CheckoutDeps & { settleRefund: SettleRefund }): Job {
  const { db, provider, settleRefund, logger } = deps
  return {
    name: 'carry-out-refunds',
    everyMs: 500,
    async run() {
      const due = await takeDueRefunds(db, { limit: atOnce, leaseMs })
      await Promise.all(due.map(carryOut))
      return due.length === atOnce ? 'more' : 'dry'
    },
  }

  async function carryOut(refund: RefundRecord): Promise<void> {
    const backOffMs = Math.min(60_000, 1000 * 2 ** refund.attempts)
    try {
      const payment = await findPayment(db, refund.eventNo, refund.paymentId)
      const ref = payment!.providerRef!
      const known = (await provider.refundsOf(ref)).find(made => made.refundId === refund.refundId)
      const told = known ?? (await provider.refund(ref, { refundId: refund.refundId, amount: refund.amount }))
      if (told.status === 'pending')
        return await retryRefund(db, refund, { afterMs: pendingLookMs, error: null, providerRef: told.ref })
      await settleRefund(payment!, { ...told, refundId: refund.refundId })
    } catch (error) {
      const mayPass = error instanceof RetryableFault || error instanceof OutcomeUnknown
      if (!mayPass) logger.error({ err: error, refund_id: refund.refundId }, 'a refund could not be carried out')
      const code = error instanceof ProviderRefusal ? error.code : (error as Error).name
      await retryRefund(db, refund, { afterMs: mayPass ? backOffMs : 60_000, error: code })
    }
  }
}
