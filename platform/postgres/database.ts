import pg from 'pg'
import { createPool } from './connections.ts'
import { classify, isAway, isRetryable } from './errors.ts'

/** int8 comes as a number: money in minor units and positions stay far below 2^53, and an assertion guards the sums. */
pg.types.setTypeParser(20, text => Number(text))
/** Timestamps come as milliseconds since 1970, the unit of `Clock.now()`. */
pg.types.setTypeParser(1184, text => parseTimestamp(text))

export type Statement = {
  text: string
  values?: unknown[]
  /** Prepared under this name. */
  name?: string
  /** Names a statement that is better planned anew each time, for its twin in memory. */
  label?: string
  /**
   * Writes, and commits by itself. If the connection is lost under it nobody knows whether it did: OutcomeUnknown. Contended, it
   * runs again like a transaction.
   */
  commits?: true
}

/** What a statement may be run on: a pool, or the connection of an open transaction. */
export interface Queryable {
  query<Row extends object = Record<string, unknown>>(
    text: string | Statement,
    values?: unknown[],
  ): Promise<{ rows: Row[]; rowCount: number }>
}

/** The connection of an open transaction. A type of its own, so that what must join a transaction cannot be given a pool. */
declare const open: unique symbol
export type Tx = Queryable & { readonly [open]: true }

export interface Database extends Queryable {
  /**
   * Runs `work` in one READ COMMITTED transaction. Deadlocks and serialisation failures run the whole of it again, at most
   * three times, so `work` must not have effects outside the database.
   *
   * @throws RetryableFault when the database is away or stayed contended, OutcomeUnknown when the answer of COMMIT was lost
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** Connections in use, idle, and callers waiting for one. */
  use(): { busy: number; idle: number; waiting: number; max: number }
  close(): Promise<void>
}

export type DatabaseOptions = {
  url: string
  /** Connections at most. */
  max: number
  /** Shown in pg_stat_activity. */
  name: string
  /** How long a caller waits for a free connection before RetryableFault. */
  acquireMs?: number
  /**
   * How long an answer may take. A connection that says nothing for longer is given up: behind a network that has lost it, it would
   * stay silent for ever, and keep its place in the pool. Longer than any statement that is sent over it. Default: for ever.
   */
  silenceMs?: number
  onError?: (error: Error) => void
}

const attemptsMax = 3

export function openDatabase(options: DatabaseOptions): Database {
  const pool = createPool({
    connectionString: options.url,
    max: options.max,
    application_name: options.name,
    connectionTimeoutMillis: options.acquireMs ?? 2000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    ...(options.silenceMs !== undefined && { query_timeout: options.silenceMs }),
  })
  // An idle connection that breaks is the pool's business: it is replaced on the next use.
  pool.on('error', error => options.onError?.(error))

  return {
    async query(statement, values) {
      const commits = typeof statement !== 'string' && statement.commits === true
      for (let attempt = 1; ; attempt++) {
        try {
          return shape(await (commits ? commitOnce(pool, statement) : pool.query(statement as string, values)))
        } catch (error) {
          if (!commits || !isRetryable(error) || attempt === attemptsMax) throw classify(error)
        }
      }
    },
    async transaction(work) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await transactOnce(pool, work)
        } catch (error) {
          if (!isRetryable(error) || attempt === attemptsMax) throw classify(error)
        }
      }
    },
    use: () => ({
      busy: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
      max: options.max,
    }),
    close: () => pool.end(),
  }
}

async function transactOnce<T>(pool: pg.Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  const onError = (error: Error) => {
    broken = error
  }
  client.on('error', onError)
  const tx = {
    query: async (statement: string | Statement, values?: unknown[]) =>
      shape(await client.query(statement as string, values)),
  } as unknown as Tx
  try {
    await client.query('begin')
    const result = await work(tx)
    await commit(client)
    return result
  } catch (error) {
    // A connection that is lost or silent would only let the rollback wait as well; its end is one.
    if (isAway(error)) broken = error as Error
    else
      await client.query('rollback').catch(failed => {
        broken = failed
      })
    throw error
  } finally {
    client.off('error', onError)
    client.release(broken)
  }
}

/** A connection lost before the statement was sent did nothing; lost under it, it may have committed. */
async function commitOnce(pool: pg.Pool, statement: Statement): Promise<pg.QueryResult> {
  const client = await pool.connect()
  let broken: Error | undefined
  const onError = (error: Error) => {
    broken = error
  }
  client.on('error', onError)
  try {
    return await client.query(statement as pg.QueryConfig)
  } catch (error) {
    if (!isAway(error)) throw error
    broken = error as Error
    throw classify(error, { committing: true })
  } finally {
    client.off('error', onError)
    client.release(broken)
  }
}

/** A lost answer to COMMIT is neither success nor failure; every other failure here means that nothing was written. */
async function commit(client: pg.PoolClient): Promise<void> {
  try {
    await client.query('commit')
  } catch (error) {
    throw classify(error, { committing: true })
  }
}

function shape(result: pg.QueryResult): { rows: never[]; rowCount: number } {
  return { rows: result.rows as never[], rowCount: result.rowCount ?? 0 }
}

function parseTimestamp(text: string): number {
  // "2026-11-22 09:30:00.123456+00" is not what Date.parse promises to read; with a T and a full offset it is.
  const iso = text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')
  const parsed = Date.parse(iso)
  return Number.isNaN(parsed) ? (text === 'infinity' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY) : parsed
}
