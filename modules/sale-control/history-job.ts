import type { Job } from '#platform/jobs/periodic.ts'
import type { Database } from '#platform/postgres/database.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import { noteHistory, readFence } from './fence.sql.ts'

const unannounced = 'the database was promoted or restored, and nobody said that nothing was lost'

/** Batches see another history by themselves; this writes it down, so that people see it too. */
export function historyJob({ db, metrics, logger }: { db: Database; metrics: Metrics; logger: Logger }): Job {
  const closed = metrics.gauge('holdfast_sales_fence_closed', '1 while the sales fence is closed.')
  return {
    name: 'watch-history',
    everyMs: 2000,
    async run() {
      const reason = await noteHistory(db, unannounced)
      if (reason !== null) logger.error({ reason }, 'the sales fence has closed')
      closed.set((await readFence(db)).closed ? 1 : 0)
      return 'dry'
    },
  }
}
