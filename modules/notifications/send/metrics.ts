import type { Job } from '#platform/jobs/periodic.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import { readQueueState } from './mails.sql.ts'

export type MailMetrics = ReturnType<typeof mailMetrics>

export function mailMetrics(metrics: Metrics) {
  return {
    outcomes: metrics.counter('holdfast_mails_total', 'Attempts to send a mail, by what came of them', [
      'template',
      'outcome',
    ]),
    queued: metrics.gauge('holdfast_mails_queued', 'Mails that are to be sent, now or at their next attempt'),
    due: metrics.gauge('holdfast_mails_due', 'Mails that are to be sent now'),
    oldestDue: metrics.gauge(
      'holdfast_mails_oldest_due_seconds',
      'How long the mail that is due for longest has waited',
    ),
  }
}

/** Whichever process sends: also a queue that nobody works on shows its length. */
export function measureMailsJob({ db, metrics }: { db: Queryable; metrics: MailMetrics }): Job {
  return {
    name: 'measure-mails',
    everyMs: 15_000,
    async run() {
      const { queued, due, oldestDueSeconds } = await readQueueState(db)
      metrics.queued.set(queued)
      metrics.due.set(due)
      metrics.oldestDue.set(oldestDueSeconds)
      return 'dry'
    },
  }
}
