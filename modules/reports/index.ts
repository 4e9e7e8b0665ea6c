import type { Clock } from '#kernel/clock.ts'
import type { Routes } from '#platform/http/server.ts'
import type { Consumer } from '#platform/messages/consumer.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import { reportRoutes } from './http.ts'
import { saleFigures } from './sale-figures.ts'

export type ReportsOptions = {
  /** May be a replica. */
  readDb: Queryable
  clock: Clock
  logger: Logger
}

export type Reports = { routes: Routes; consumers: readonly Consumer[] }

/** What staff look at. Follows the messages of others and decides nothing. */
export function createReports({ readDb, clock, logger }: ReportsOptions): Reports {
  return { routes: reportRoutes({ db: readDb, clock, logger }), consumers: [saleFigures] }
}
