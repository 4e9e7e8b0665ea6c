import type { Command } from 'commander'
import { readConfig } from '#platform/config/config.ts'
import { migrate } from '#platform/postgres/migrate.ts'
import { withCommonOptions } from '../common-options.ts'
import { withDatabase } from '../database.ts'
import type { CommonOptions, Perform } from '../main.ts'
import type { Report, Terminal } from '../terminal.ts'

export function addMigrate(program: Command, perform: Perform): void {
  withCommonOptions(program.command('migrate'))
    .summary('bring the database to the schema of this version')
    .description(
      'Bring the database to the schema of this version. `start` does it too; run it first when several servers start.',
    )
    .addHelpText(
      'after',
      `
Works on DATABASE_DIRECT_URL, else DATABASE_URL, else the embedded database. Migrations only go forward, run under a lock, and
may be repeated: what ran already is left alone.

  DATABASE_URL=postgres://holdfast@db.internal/holdfast holdfast migrate`,
    )
    .action((options: CommonOptions) => perform(options, migrateNow))
}

async function migrateNow(terminal: Terminal): Promise<Report> {
  const { config } = readConfig(terminal.env)
  const applied = await withDatabase(config, terminal, migrate, { make: true })
  const text = applied.length === 0 ? 'The schema is current.' : `Applied ${applied.join(', ')}. The schema is current.`
  return { text, json: { applied } }
}
