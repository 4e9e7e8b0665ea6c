import type { Clock } from '#kernel/clock.ts'
import type { Config } from '#platform/config/config.ts'
import type { Database } from '#platform/postgres/database.ts'
import { compareMigrations } from '#platform/postgres/migrate.ts'
import { readFence } from '#sale-control'
import { type Check, fail, ok, warn } from './check.ts'

/** Connections of a process beside its pools: change feed, relay, job runner, webhooks. */
const othersPerProcess = 5

export type ServerFacts = {
  version: number
  versionText: string
  settings: Record<string, string>
  /** Database minus process, milliseconds; and how exactly that is known. */
  clockAheadMs: number
  roundTripMs: number
}

/** @throws the fault of the database when it cannot be asked */
export async function readServerFacts(db: Database, clock: Clock): Promise<ServerFacts> {
  const { rows } = await db.query<{ name: string; setting: string }>(
    `select name, setting from pg_catalog.pg_settings
      where name in ('server_version', 'server_version_num', 'fsync', 'full_page_writes', 'synchronous_commit',
                     'max_connections', 'superuser_reserved_connections', 'idle_in_transaction_session_timeout')`,
  )
  const settings = Object.fromEntries(rows.map(row => [row.name, row.setting]))
  const asked = clock.now()
  // Not holdfast.clock(): the schema may not be there yet.
  const { rows: times } = await db.query<{ now: number }>('select pg_catalog.clock_timestamp() as now')
  const answered = clock.now()
  return {
    version: Number(settings.server_version_num),
    versionText: settings.server_version ?? 'unknown',
    settings,
    clockAheadMs: times[0]!.now - (asked + answered) / 2,
    roundTripMs: answered - asked,
  }
}

export function checkVersion({ version, versionText }: ServerFacts): Check {
  if (version >= 150_000) return ok('database', `PostgreSQL ${versionText}`)
  return fail('database', `PostgreSQL ${versionText}`, 'Holdfast needs PostgreSQL 15 or later.')
}

/** What was acknowledged must survive a crash of the machine. */
export function checkDurability({ settings }: ServerFacts): Check {
  const off = ['fsync', 'full_page_writes', 'synchronous_commit'].filter(name => settings[name] === 'off')
  if (off.length === 0) return ok('durability', 'fsync, full_page_writes and synchronous_commit are on')
  return fail('durability', `${off.join(', ')} off`, 'Turn them on: a crash would lose seats that were sold.')
}

/** A process that stands still in the middle of a transaction would keep the seats that it locked from everybody. */
export function checkIdleTransactions({ settings }: ServerFacts): Check {
  const ms = Number(settings.idle_in_transaction_session_timeout)
  if (ms > 0 && ms <= 60_000) return ok('locks', `a transaction that stands still is undone after ${ms / 1000} s`)
  return warn(
    'locks',
    ms === 0
      ? 'a transaction that stands still is never undone'
      : `a transaction that stands still is undone only after ${ms / 1000} s`,
    'Set idle_in_transaction_session_timeout to 10 s: it may have locked seats.',
  )
}

export function checkClocks({ clockAheadMs, roundTripMs }: ServerFacts): Check {
  const apart = Math.max(0, Math.abs(clockAheadMs) - roundTripMs / 2)
  const found = `the clocks of database and process are ${Math.round(apart)} ms apart`
  if (apart < 500) return ok('clocks', found)
  const advice = 'Run a time service on both machines: buyers would see their hold end at the wrong moment.'
  return apart < 5000 ? warn('clocks', found, advice) : fail('clocks', found, advice)
}

export function checkConnections({ settings }: ServerFacts, config: Config): Check {
  const usable = Number(settings.max_connections) - Number(settings.superuser_reserved_connections ?? 3)
  const pools =
    config.HOLDFAST_HOLD_LANES +
    config.HOLDFAST_POOL_SALE +
    config.HOLDFAST_POOL_PAY +
    config.HOLDFAST_POOL_READ +
    config.HOLDFAST_POOL_STAFF
  const needed = pools + othersPerProcess
  const found = `a process uses up to ${needed} of ${usable}`
  if (needed > usable) return fail('connections', found, 'Raise max_connections, or lower the HOLDFAST_POOL_ settings.')
  if (needed * 2 > usable)
    return warn(
      'connections',
      found,
      'A second process would not fit: raise max_connections, or put a pooler before it.',
    )
  return ok('connections', `${found}; ${Math.floor(usable / needed)} processes fit`)
}

export async function checkMigrations(db: Database): Promise<Check> {
  const { missing, unknown } = await compareMigrations(db)
  if (unknown.length > 0)
    return fail(
      'schema',
      `made by a later version (${unknown.join(', ')})`,
      'Run that version; migrations only go forward.',
    )
  if (missing.length > 0)
    return warn(
      'schema',
      `lacks ${missing.join(', ')}`,
      '`holdfast start` applies them, or `holdfast migrate` beforehand.',
    )
  return ok('schema', 'current')
}

/** Only once the schema is current. */
export async function checkFence(db: Database): Promise<Check> {
  const { closed, reason } = await readFence(db)
  if (!closed) return ok('sales', 'not fenced')
  return warn('sales', `fenced: ${reason}`, 'No seat is sold until the books are reconciled and the fence is opened.')
}
