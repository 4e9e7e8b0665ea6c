import { isPassing } from '#kernel/faults.ts'
import { eventNoOf } from '#kernel/ids.ts'
import {
  type EventEnd,
  endEvent,
  findPayment,
  findPaymentByRef,
  isAnothers,
  type PaymentRecord,
  retryEvent,
  type StoredEvent,
  takeStoredEvents,
} from '#payments'
import type { Job } from '#platform/jobs/periodic.ts'
import type { SettleRefund } from './carry-out-refunds.ts'
import type { CheckoutDeps } from './ports.ts'
import type { SettlePayment } from './settle-payment.ts'

const everyMs = 250
/** Most of them wait for the provider most of the time. */
const atOnceMax = 64
const leaseMs = 30_000

/**
 * Settles what the provider told and the inbox keeps. An event that cannot be settled now stays and is tried again, later and later;
 * one that does not fit is put aside, alarmed, and changes nothing.
 */
export function settleEventsJob(
  deps: CheckoutDeps & { settle: SettlePayment; settleRefund: SettleRefund; atOnce?: number },
): Job & { poke(): void } {
  const { db, provider, settle, settleRefund, logger, counts, atOnce = atOnceMax } = deps
  const underWay = new Set<Promise<void>>()
  /** The last event of each payment: the next one of the same waits for it. */
  const tails = new Map<string, Promise<void>>()
  let turning: Promise<void> | null = null
  let wake = () => {}

  /**
   * Takes events as others come to their end, until there are none: one that waits for the provider must not keep those behind it
   * waiting.
   */
  async function turn(signal?: AbortSignal): Promise<void> {
    for (;;) {
      const room = atOnce - underWay.size
      const events = room === 0 || signal?.aborted ? [] : await takeStoredEvents(db, { limit: room, leaseMs })
      for (const event of events) start(event)
      if (underWay.size === 0) return
      if (events.length < room || room === 0) await nextNews()
    }
  }

  /** One has come to its end, others have come in, or some time has passed. */
  async function nextNews(): Promise<void> {
    const stop = new AbortController()
    const poked = new Promise<void>(resolve => {
      wake = resolve
    })
    const later = deps.clock.sleep(everyMs, stop.signal).catch(() => {}) // somebody was faster
    await Promise.race([...underWay, poked, later])
    stop.abort()
  }

  function start(event: StoredEvent): void {
    const key = event.told.intent?.ref ?? event.told.refund?.intentRef ?? event.providerEventId
    const before = tails.get(key) ?? Promise.resolve()
    const mine = before.then(() => settleEvent(event))
    tails.set(key, mine)
    underWay.add(mine)
    void mine.finally(() => {
      underWay.delete(mine)
      if (tails.get(key) === mine) tails.delete(key)
    })
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
      const mayPass = isPassing(error)
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
    const anothers = { end: { state: 'ignored' as const, reason: 'another-installation' }, payment: null }
    if (refund !== null) {
      const payment = refund.intentRef === null ? null : await findPaymentByRef(db, provider.id, refund.intentRef)
      if (payment === null) return isAnothers(refund, provider) ? anothers : quarantined('unknown-intent')
      await settleRefund(payment, refund)
      return { end: { state: 'settled', reason: null }, payment }
    }
    if (intent === null) return { end: { state: 'ignored', reason: 'not-a-payment' }, payment: null }
    const payment = await paymentOf(intent)
    if (payment === null) return isAnothers(intent, provider) ? anothers : quarantined('unknown-intent')
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

  function begin(signal?: AbortSignal): Promise<void> {
    turning ??= turn(signal).finally(() => {
      turning = null
    })
    return turning
  }

  return {
    name: 'settle-events',
    everyMs,
    async run(signal) {
      await begin(signal)
      return 'dry'
    },
    /** Something was stored just now: settled at once, without waiting for the next turn. */
    poke() {
      wake()
      begin().catch(() => {}) // the job meets it again, and tells
    },
  }
}
