import type { Job } from '#platform/jobs/periodic.ts'
import type { Database } from '#platform/postgres/database.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import { auditManifest } from './audit-manifest.ts'

/**
 * Audits the events on sale, one a turn, so that the gauges speak of what the tables say and never of counters. An oversold seat
 * or books that do not balance are an alarm, not a statistic.
 */
export function auditJob({ db, metrics, logger }: { db: Database; metrics: Metrics; logger: Logger }): Job {
  const oversold = metrics.gauge(
    'holdfast_oversold',
    'Seats and places sold or held more than once, by the last audit of each event.',
    ['event_no'],
  )
  const unbalanced = metrics.gauge('holdfast_unbalanced', '1 if the last audit of the event did not balance.', [
    'event_no',
  ])
  let last = 0
  return {
    name: 'audit-events',
    everyMs: 10_000,
    async run() {
      const { rows } = await db.query<{ event_no: number }>(
        `select event_no from holdfast.events where status in ('onsale', 'scheduled', 'paused') order by event_no <= $1, event_no limit 1`,
        [last],
      )
      const eventNo = rows[0]?.event_no
      if (eventNo === undefined) return 'dry'
      last = eventNo
      const audit = await auditManifest(db, eventNo)
      if (audit === null) return 'dry'
      oversold.set({ event_no: String(eventNo) }, audit.oversold)
      unbalanced.set({ event_no: String(eventNo) }, audit.balanced ? 0 : 1)
      if (audit.oversold > 0 || !audit.balanced)
        logger.error({ event_no: eventNo, audit }, 'the manifest audit does not balance')
      return 'dry'
    },
  }
}
