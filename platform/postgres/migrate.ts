import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { createPool } from './connections.ts'
import { openDatabase, type Queryable } from './database.ts'
import { classify } from './errors.ts'

const folder = fileURLToPath(new URL('../../db/migrations/', import.meta.url))

/** Whoever starts us tries again; a start that waits for ever for a network that says nothing is never tried again. */
const usualSilenceMs = 10_000
/** The longest statement of a migration: an index over all tickets that were ever sold. */
const migrationMs = 30 * 60_000

/**
 * Brings the database to the newest schema: forward-only numbered SQL files, each in a transaction of its own order, under
 * Kysely's lock, so that two starting servers do it once. Where nothing is missing, which is most starts, it only looks.
 *
 * @param silenceMs how long the database may say nothing while nothing is migrated
 * @returns the names of the migrations that ran now
 * @throws RetryableFault when the database is away, Error naming the migration that failed
 */
export async function migrate(url: string, { silenceMs = usualSilenceMs } = {}): Promise<string[]> {
  if (await isNewest(url, silenceMs)) return []
  const pool = createPool({
    connectionString: url,
    max: 1,
    connectionTimeoutMillis: silenceMs,
    query_timeout: migrationMs,
  })
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  try {
    const files = await migrationFiles()
    const migrator = new Migrator({
      db,
      migrationTableSchema: 'holdfast',
      migrationTableName: 'migrations',
      migrationLockTableName: 'migrations_lock',
      provider: {
        getMigrations: async () =>
          Object.fromEntries(
            files.map(file => [
              file.name,
              { up: async (tx: Kysely<unknown>) => void (await sql.raw(file.text).execute(tx)) },
            ]),
          ),
      },
    })
    const { error, results = [] } = await migrator.migrateToLatest()
    if (error !== undefined) {
      const failed = results.find(result => result.status === 'Error')
      // Without a name it did not come so far: the database was away, or does not let us in.
      if (failed === undefined) throw classify(error)
      throw new Error(`Migration ${failed.migrationName} failed: ${(error as Error).message}`, { cause: error })
    }
    return results.map(result => result.migrationName)
  } finally {
    await db.destroy()
  }
}

async function isNewest(url: string, silenceMs: number): Promise<boolean> {
  const db = openDatabase({ url, max: 1, name: 'holdfast migrate', acquireMs: silenceMs, silenceMs })
  try {
    const { missing, unknown } = await compareMigrations(db)
    return missing.length === 0 && unknown.length === 0
  } finally {
    await db.close()
  }
}

/**
 * How the database differs from this version: migrations that it lacks (all of them when it is empty), and ones that only a
 * later version knows.
 */
export async function compareMigrations(db: Queryable): Promise<{ missing: string[]; unknown: string[] }> {
  const ours = (await migrationFiles()).map(file => file.name)
  const { rows: found } = await db.query(`select where to_regclass('holdfast.migrations') is not null`)
  if (found.length === 0) return { missing: ours, unknown: [] }
  const { rows } = await db.query<{ name: string }>('select name from holdfast.migrations')
  const theirs = rows.map(row => row.name)
  return {
    missing: ours.filter(name => !theirs.includes(name)),
    unknown: theirs.filter(name => !ours.includes(name)),
  }
}

/** Changes whenever a migration does; names the template databases of the tests. */
export async function migrationsHash(): Promise<string> {
  const hash = createHash('sha256')
  for (const file of await migrationFiles()) hash.update(file.name).update('\0').update(file.text).update('\0')
  return hash.digest('hex').slice(0, 12)
}

async function migrationFiles(): Promise<{ name: string; text: string }[]> {
  const names = (await readdir(folder)).filter(name => name.endsWith('.sql')).sort()
  return Promise.all(
    names.map(async name => ({ name: name.slice(0, -4), text: await readFile(`${folder}${name}`, 'utf8') })),
  )
}
