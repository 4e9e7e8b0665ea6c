import { join, resolve } from 'node:path'
import type { Config } from '#platform/config/config.ts'
import { type Database, openDatabase } from '#platform/postgres/database.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#platform/postgres/embedded/index.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'

/** Where the record is: a server of our own on the data folder, or the one that the settings name. */
export type RecordServer = { url: string; directUrl: string; readUrl: string; embedded: EmbeddedPostgres | null }

export async function openRecordServer(config: Config, log: (line: string) => void): Promise<RecordServer> {
  const { DATABASE_URL: url, DATABASE_DIRECT_URL: directUrl, DATABASE_READ_URL: readUrl } = config
  if (url !== undefined) return { url, directUrl: directUrl ?? url, readUrl: readUrl ?? url, embedded: null }
  const embedded = await startEmbeddedPostgres({
    dataDir: resolve(join(config.HOLDFAST_DATA, 'pg')),
    backupDir: config.HOLDFAST_BACKUP_DIR === undefined ? null : resolve(config.HOLDFAST_BACKUP_DIR),
    log,
  })
  embedded.supervise()
  return { url: embedded.url, directUrl: embedded.url, readUrl: embedded.url, embedded }
}

/**
 * One pool a kind of work, so that none can starve another: a report that takes all of its connections leaves the holds
 * theirs.
 */
export type Pools = {
  hold: Database
  sale: Database
  pay: Database
  /** Of what the provider tells. */
  webhooks: Database
  read: Database
  staff: Database
  close(): Promise<void>
}

/**
 * A batch of holds takes milliseconds, and its fate is found out by sending it again: two silent connections one after the other
 * leave room within the deadline of a request. Buyers' statements end before that deadline; staff import halls and count them.
 */
const silence = { hold: 3000, sale: 8000, pay: 8000, webhooks: 8000, read: 8000, staff: 30_000 }

export function openPools(
  config: Config,
  server: RecordServer,
  telemetry: { logger: Logger; metrics: Metrics },
): Pools {
  const open = (name: keyof typeof sizes, url: string) =>
    openDatabase({
      url,
      max: sizes[name],
      silenceMs: silence[name],
      name: `holdfast ${name}`,
      onError: error => telemetry.logger.warn({ pool: name, err: error.message }, 'an idle database connection broke'),
    })
  const sizes = {
    hold: config.HOLDFAST_HOLD_LANES,
    sale: config.HOLDFAST_POOL_SALE,
    pay: config.HOLDFAST_POOL_PAY,
    webhooks: 1,
    read: config.HOLDFAST_POOL_READ,
    staff: config.HOLDFAST_POOL_STAFF,
  }
  const pools = {
    hold: open('hold', server.url),
    sale: open('sale', server.url),
    pay: open('pay', server.url),
    webhooks: open('webhooks', server.url),
    read: open('read', server.readUrl),
    staff: open('staff', server.url),
  }
  telemetry.metrics.gauge(
    'holdfast_pool_connections',
    'Database connections by pool and state.',
    ['pool', 'state'],
    gauge => {
      for (const [pool, database] of Object.entries(pools)) {
        const use = database.use()
        gauge.set({ pool, state: 'busy' }, use.busy)
        gauge.set({ pool, state: 'idle' }, use.idle)
        gauge.set({ pool, state: 'waiting' }, use.waiting)
        gauge.set({ pool, state: 'max' }, use.max)
      }
    },
  )
  return {
    ...pools,
    close: async () => {
      await Promise.all(Object.values(pools).map(pool => pool.close()))
    },
  }
}
