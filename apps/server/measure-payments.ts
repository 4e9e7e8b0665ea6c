import { oldestPendingRefund, overduePayments, waitingEvents } from '#payments'
import type { Job } from '#platform/jobs/periodic.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'

/** What of the payment provider waits in the inbox; the same in every process, so one that scrapes any of them sees it. */
export function measurePaymentsJob(deps: { db: Queryable; providerId: string; metrics: Metrics }): Job {
  const { db, providerId, metrics } = deps
  const waiting = metrics.gauge('holdfast_payment_events_waiting', 'Events of the provider that wait to be settled.')
  const oldest = metrics.gauge(
    'holdfast_payment_events_oldest_seconds',
    'Age of the oldest event of the provider that waits to be settled.',
  )
  const refund = metrics.gauge(
    'holdfast_refunds_oldest_seconds',
    'Age of the oldest refund that the provider has not taken.',
  )
  const overdue = metrics.gauge(
    'holdfast_payments_overdue_seconds',
    'How long ago the hold ended of the payment that has been open longest after its end.',
  )
  const elsewhere = metrics.gauge(
    'holdfast_payments_elsewhere',
    'Payments that are open at a provider that is not the one set up, and that nobody asks about.',
  )
  return {
    name: 'measure-payments',
    everyMs: 10_000,
    async run() {
      const found = await waitingEvents(db)
      waiting.set(found.waiting)
      oldest.set(found.oldestSeconds)
      refund.set(await oldestPendingRefund(db))
      const open = await overduePayments(db, providerId)
      overdue.set(open.oldestSeconds)
      elsewhere.set(open.elsewhere)
      return 'dry'
    },
  }
}
