import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { systemClock } from '#kernel/clock.ts'
import { type Config, ConfigError, readConfig } from '#platform/config/config.ts'
import { openDatabase } from '#platform/postgres/database.ts'
import { withCommonOptions } from '../common-options.ts'
import { embeddedFolder, withDatabase } from '../database.ts'
import { type Check, fail, ok, warn } from '../doctor/check.ts'
import {
  checkClocks,
  checkConnections,
  checkDurability,
  checkFence,
  checkIdleTransactions,
  checkMigrations,
  checkVersion,
  readServerFacts,
} from '../doctor/database.ts'
import { checkDataFolder, checkDisk, checkNode, checkPort } from '../doctor/machine.ts'
import { explainFailure } from '../failure.ts'
import type { CommonOptions, Perform } from '../main.ts'
import type { Report, Terminal } from '../terminal.ts'

export function addDoctor(program: Command, perform: Perform): void {
  withCommonOptions(program.command('doctor'))
    .summary('see whether this machine is fit to sell')
    .description('See whether this machine, its settings and its database are fit to sell.')
    .addHelpText(
      'after',
      `
Looks at Node, the settings, the data folder and its disk, the port, and the database: version, durability, schema, clocks,
connections, locks. Changes nothing; a stopped embedded database is started for the look. Exit code 1 when something fails.

  DATABASE_URL=postgres://… holdfast doctor`,
    )
    .action((options: CommonOptions) => perform(options, examine))
}

async function examine(terminal: Terminal): Promise<Report> {
  const checks: Check[] = [checkNode(process.versions.node)]
  const config = checkSettings(terminal, checks)
  if (config !== null) {
    checks.push(await checkDataFolder(config, systemClock), await checkDisk(config), await checkPort(config))
    checks.push(...(await checkDatabase(config, terminal)))
  }
  const count = (status: Check['status']) => checks.filter(check => check.status === status).length
  const failed = count('fail') > 0
  const verdict = failed
    ? `Not fit: ${count('fail')} to repair.`
    : count('warn') > 0
      ? `Fit, with ${count('warn')} to look at.`
      : 'Fit.'
  return { text: [...checks.map(line), '', verdict].join('\n'), json: { fit: !failed, checks }, failed }
}

function checkSettings(terminal: Terminal, checks: Check[]): Config | null {
  try {
    const { config, warnings } = readConfig(terminal.env)
    if (warnings.length === 0) checks.push(ok('settings', 'all known and well-formed'))
    for (const warning of warnings) checks.push(warn('settings', warning, 'Remove it, so that nobody relies on it.'))
    return config
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const problem of error.problems) checks.push(fail('settings', problem, 'See `holdfast config explain`.'))
    return null
  }
}

async function checkDatabase(config: Config, terminal: Terminal): Promise<Check[]> {
  if (config.DATABASE_URL === undefined && !existsSync(join(embeddedFolder(config), 'cluster')))
    return [ok('database', 'the embedded server will be made at the first start')]
  try {
    return await withDatabase(config, terminal, url => examineDatabase(url, config))
  } catch (error) {
    const advice =
      config.DATABASE_URL === undefined
        ? `See ${embeddedFolder(config)}/start.log.`
        : 'Check DATABASE_URL, that the server runs, and that it lets this machine in.'
    return [fail('database', explainFailure(error).message, advice)]
  }
}

async function examineDatabase(url: string, config: Config): Promise<Check[]> {
  const db = openDatabase({ url, max: 1, name: 'holdfast doctor' })
  try {
    const facts = await readServerFacts(db, systemClock)
    const schema = await checkMigrations(db)
    return [
      checkVersion(facts),
      checkDurability(facts),
      checkIdleTransactions(facts),
      checkConnections(facts, config),
      checkClocks(facts),
      schema,
      ...(schema.status === 'ok' ? [await checkFence(db)] : []),
    ]
  } finally {
    await db.close()
  }
}

function line({ status, name, found, advice }: Check): string {
  const text = `${status.padEnd(4)}  ${name.padEnd(11)}  ${found}`
  return advice === undefined ? text : `${text}\n${' '.repeat(19)}${advice}`
}
