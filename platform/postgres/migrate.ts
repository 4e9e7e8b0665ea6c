import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import pg from 'pg'

const folder = fileURLToPath(new URL('../../db/migrations/', import.meta.url))

/**
 * Brings the database to the newest schema: forward-only numbered SQL files, each in a transaction of its own order, under
 * Kysely's lock, so that two starting servers do it once.
 *
 * @returns the names of the migrations that ran now
 * @throws Error naming the migration that failed
 */
export async function migrate(url: string): Promise<string[]> {
  const db = new Kysely<unknown>({
    dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url, max: 1 }) }),
  })
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
      throw new Error(`Migration ${failed?.migrationName ?? '(none)'} failed: ${(error as Error).message}`, {
        cause: error,
      })
    }
    return results.map(result => result.migrationName)
  } finally {
    await db.destroy()
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
