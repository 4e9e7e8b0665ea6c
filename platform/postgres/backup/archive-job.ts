import type { Job } from '#platform/jobs/periodic.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { Database } from '../database.ts'

/** How far the archive is behind, as PostgreSQL's own archiver tells. Says nothing of a database that is not archived. */
export function archiveJob({ db, metrics }: { db: Database; metrics: Metrics }): Job {
  const age = metrics.gauge('holdfast_archive_age_seconds', 'Since the last segment of the log was archived.')
  const failing = metrics.gauge('holdfast_archive_failing', '1 if the last try to archive the log failed.')
  return {
    name: 'measure-archive',
    everyMs: 10_000,
    async run() {
      const { rows } = await db.query<{ age: number; failing: boolean }>(
        `select extract(epoch from holdfast.clock() - coalesce(last_archived_time, stats_reset))::float8 as age,
           coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) as failing
         from pg_stat_archiver where current_setting('archive_mode') <> 'off'`,
      )
      if (rows[0] === undefined) return 'dry'
      age.set(rows[0].age)
      failing.set(rows[0].failing ? 1 : 0)
      return 'dry'
    },
  }
}
