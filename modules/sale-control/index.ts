import type { Catalog } from '#catalog'
import type { Routes } from '#platform/http/server.ts'
import type { Idempotently } from '#platform/idempotency/index.ts'
import type { Job } from '#platform/jobs/periodic.ts'
import type { Database } from '#platform/postgres/database.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import { auditJob } from './audit-job.ts'
import { historyJob } from './history-job.ts'
import { saleControlRoutes } from './http.ts'

export {
  acceptPromotion,
  closeFence,
  noteHistory,
  noteRestore,
  noteSynchronous,
  openFence,
  readFence,
} from './fence.sql.ts'

export type SaleControlOptions = {
  /** The staff pool, on the primary: an audit of a replica would prove nothing. */
  db: Database
  catalog: Catalog
  idempotently: Idempotently
  origin: string
  metrics: Metrics
  logger: Logger
}

/** What staff do to a sale: set seats aside, price them, audit the house. */
export function createSaleControl(options: SaleControlOptions): { routes: Routes; jobs: readonly Job[] } {
  return { routes: saleControlRoutes(options), jobs: [auditJob(options), historyJob(options)] }
}
