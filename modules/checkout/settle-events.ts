import { OutcomeUnknown, RetryableFault } from '#kernel/faults.ts'
import { eventNoOf } from '#kernel/ids.ts'
import {
  type EventEnd,
  endEvent,
  findPayment,
  findPaymentByRef,
  type PaymentRecord,
  retryEvent,
  type StoredEvent,
  takeStoredEvents,
} from '#payments'
import type { Job } from '#platform/jobs/periodic.ts'
import type { SettleRefund } from './carry-out-refunds.ts'
import type { CheckoutDeps } from './ports.ts'
import type { SettlePayment } from './settle-payment.ts'

const atOnce = 50
const leaseMs = 30_000

/**
 * Settles what the provider told and the inbox keeps. An event that cannot be settled now stays and is tried again, later and later;
 * one that does not fit is put aside, alarmed, and changes nothing.
 */
export function settleEventsJob(
  deps: CheckoutDeps & { settle: SettlePayment; settleRefund: SettleRefund },
): Job & { poke(): void } {
  const { db, provider, settle, settleRefund, logger, counts } = deps
  let isPoked = false

  async function turn(): Promise<'more' | 'dry'> {
    const events = await takeStoredEvents(db, { limit: atOnce, leaseMs })
    // Events of one payment in their order, payments side by side.
    const byPayment = Map.groupBy(events, event => event.told.intent?.ref ?? event.told.refund?.intentRef ?? '')
    await Promise.all(
      [...byPayment.values()].map(async ofOne => {
        for (const event of ofOne) await settleEvent(event)
      }),
    )
    return events.length === atOnce ? 'more' : 'dry'
  }

  async function settleEvent(event: StoredEvent): Promise<void> {
    try {
      const { end, payment } = await effectOf(event)
      await endEvent(db, event, end, payment)
      counts.settleLag.observe(Math.max(0, deps.clock.now() - event.receivedAt) / 1000)
      if (end.state !== 'quarantined') return
      counts.discrepancies.inc({ kind: end.reason! })
      logger.error(
        { provider_event_id: event.providerEventId, reason: end.reason },
        'an event of the provider is quarantined',
      )
    } catch (error) {
      const mayPass = error instanceof RetryableFault || error instanceof OutcomeUnknown
      if (!mayPass)
        logger.error({ err: error, provider_event_id: event.providerEventId }, 'an event could not be settled')
      await retryEvent(db, event, Math.min(60_000, 500 * 2 ** event.attempts)).catch(() => {}) // the lease ends by itself
    }
  }

  async function effectOf(event: StoredEvent): Promise<{ end: EventEnd; payment: PaymentRecord | null }> {
    const { intent, refund, isLive, account } = event.told
    const quarantined = (reason: string, payment: PaymentRecord | null = null) => ({
      end: { state: 'quarantined' as const, reason },
      payment,
    })
    if (isLive !== provider.isLive) return quarantined('wrong-mode')
    if (account !== null) return quarantined('foreign-account')
    if (refund !== null) {
      const payment = refund.intentRef === null ? null : await findPaymentByRef(db, provider.id, refund.intentRef)
      if (payment === null) return quarantined('unknown-intent')
      await settleRefund(payment, refund)
      return { end: { state: 'settled', reason: null }, payment }
    }
    if (intent === null) return { end: { state: 'ignored', reason: 'not-a-payment' }, payment: null }
    const payment = await paymentOf(intent)
    if (payment === null) return quarantined('unknown-intent')
    const settled = await settle(payment, { intent, isTruth: false })
    return settled.kind === 'mismatch'
      ? quarantined(settled.reason, payment)
      : { end: { state: 'settled', reason: null }, payment: settled.payment }
  }

  /** By the intent's own name; by our id in it when the event was faster than our own record. */
  async function paymentOf(intent: NonNullable<StoredEvent['told']['intent']>): Promise<PaymentRecord | null> {
    const known = await findPaymentByRef(db, provider.id, intent.ref)
    if (known !== null || intent.paymentId === null) return known
    const eventNo = eventNoOf(intent.paymentId)
    return eventNo <= 0x7fffffff ? findPayment(db, eventNo, intent.paymentId) : null
  }

  return {
    name: 'settle-events',
    everyMs: 250,
    run: turn,
    /** Something was stored just now: settled at once, without waiting for the next turn. */
    poke() {
      if (isPoked) return
      isPoked = true
      turn()
        .catch(() => {}) // the job meets it again, and tells
        .finally(() => {
          isPoked = false
        })
    },
  }
}
