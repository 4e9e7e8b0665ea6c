import { openDatabase } from '#platform/postgres/database.ts'
import { migrate } from '#platform/postgres/migrate.ts'
import { onFreshDatabase } from './fresh-database.ts'
import { printSchema } from './print-schema.ts'

/** The schema that all migrations make of an empty database. */
export function schemaOfMigrations(): Promise<string> {
  return onFreshDatabase(async url => {
    await migrate(url)
    const db = openDatabase({ url, max: 1, name: 'schema' })
    try {
      return await db.transaction(printSchema)
    } finally {
      await db.close()
    }
  })
}
