import { isPassing } from '#kernel/faults.ts'
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
import type { Tx } from '#platform/postgres/database.ts'
import { lockReservation } from '#reservations'
import type { CheckoutDeps } from './ports.ts'
import { tellPayment } from './tell.sql.ts'

const atOnceMax = 25
const leaseMs = 30_000
/** The provider has taken it and the bank has not: its webhook tells, and asking is for when that is lost. */
const pendingLookMs = 10_000
const pendingLookMsMax = 15 * 60_000
/**
 * After so many calls another key: a provider may keep its own failure under a key and answer it for a day. By then a call is at least a
 * minute old, and what had come of it is in its list.
 */
const callsARound = 8

/** What the provider says of a refund takes effect here, whoever brings it. */
export type SettleRefund = (payment: PaymentRecord, told: Told) => Promise<void>

type Told = { ref: string; refundId: string | null; status: 'pending' | 'succeeded' | 'failed'; amount: number }

export function createSettleRefund(deps: CheckoutDeps): SettleRefund {
  const { db, counts, logger, provider } = deps
  return async (first, told) => {
    const ended = await db.transaction(tx => apply(tx, first, told))
    if (ended === 'unknown-refund') {
      counts.discrepancies.inc({ kind: ended })
      logger.error({ provider_ref: told.ref }, 'the provider has a refund that our record does not explain')
    } else if (ended !== null) {
      counts.outcomes.inc({ provider: provider.id, outcome: `refund-${told.status}`, reason: ended.reason })
      if (told.status === 'failed')
        logger.error({ refund_id: ended.refundId }, 'the provider could not carry out a refund; somebody must')
    }
  }

  /** The refund that came to its end by this; null if that is no news. */
  async function apply(tx: Tx, first: PaymentRecord, told: Told): Promise<RefundRecord | 'unknown-refund' | null> {
    await lockReservation(tx, first.eventNo, first.reservationId)
    const payment = await lockPaymentOf(tx, first)
    const all = payment === null ? [] : await refundsOf(tx, payment)
    const refund = all.find(known => known.refundId === told.refundId)
    if (payment === null || refund === undefined || refund.amount !== told.amount) return 'unknown-refund'
    const { status } = told
    if (status === 'pending' || !(await endRefund(tx, refund, { status, providerRef: told.ref }))) return null
    const after = all.map(known => (known === refund ? { ...known, status } : known))
    const live = await deps.tickets.live(tx, payment.eventNo, payment.reservationId)
    const kept = live.reduce((sum, ticket) => sum + ticket.amount, 0)
    const moved = await movePayment(tx, payment, { status: statusAfter(payment, after, kept), nextLookAt: null })
    const { refundId, amount, reason } = refund
    const news = { type: 'PaymentRefunded', data: { refund_id: refundId, amount, reason } } as const
    if (status === 'succeeded') await tellPayment(tx, moved, news, deps.origin)
    return refund
  }
}

/**
 * `refund_pending` as long as money is owed: a refund is under way, or one failed and the tickets that it was for are void.
 * A quarantined payment stays what it is, whatever goes back of it.
 *
 * @param kept what the tickets that are live cost
 */
function statusAfter(payment: PaymentRecord, refunds: readonly RefundRecord[], kept: number): PaymentRecord['status'] {
  if (payment.status === 'quarantined') return 'quarantined'
  const given = refunds.reduce((sum, refund) => sum + (refund.status === 'succeeded' ? refund.amount : 0), 0)
  if (payment.capturedAmount - given > kept) return 'refund_pending'
  return given === 0 ? 'captured' : given < payment.capturedAmount ? 'partly_refunded' : 'refunded'
}

/**
 * Carries out what was decided. It asks first what the provider has, because an answer may have been lost; the refund's id is the key of
 * the call, so that there is one refund however often it is made.
 */
export function carryOutRefundsJob(deps: CheckoutDeps & { settleRefund: SettleRefund; atOnce?: number }): Job {
  const { db, provider, settleRefund, logger, atOnce = atOnceMax } = deps
  return {
    name: 'carry-out-refunds',
    everyMs: 500,
    async run() {
      const due = await takeDueRefunds(db, { provider: provider.id, limit: atOnce, leaseMs })
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
      const { refundId, amount, currency, attempts } = refund
      const round = Math.floor(attempts / callsARound)
      const told = known ?? (await provider.refund(ref, { refundId, amount, currency, round }))
      if (told.status === 'pending') {
        const afterMs = Math.min(pendingLookMsMax, pendingLookMs * 2 ** attempts)
        return await retryRefund(db, refund, { afterMs, error: null, providerRef: told.ref })
      }
      await settleRefund(payment!, { ...told, refundId: refund.refundId })
    } catch (error) {
      const mayPass = isPassing(error)
      if (!mayPass) logger.error({ err: error, refund_id: refund.refundId }, 'a refund could not be carried out')
      const code = error instanceof ProviderRefusal ? error.code : (error as Error).name
      await retryRefund(db, refund, { afterMs: mayPass ? backOffMs : 60_000, error: code })
    }
  }
}
