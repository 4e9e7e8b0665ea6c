import type { Command } from 'commander'
import { readConfig } from '#platform/config/config.ts'
import { restoreCluster } from '#platform/postgres/backup/restore-cluster.ts'
import { openDatabase } from '#platform/postgres/database.ts'
import { noteRestore, readFence } from '#sale-control'
import { withCommonOptions } from '../common-options.ts'
import { embeddedFolder } from '../database.ts'
import { CommandFailure, usageError } from '../failure.ts'
import type { CommonOptions, Perform } from '../main.ts'
import { momentOf } from '../moment.ts'
import type { Report, Terminal } from '../terminal.ts'
import { backupFolder } from './backup.ts'

type RestoreOptions = CommonOptions & {
  toEnd?: boolean
  to?: string
  timeline?: string
  backup?: string
  replace?: boolean
}

export function addRestore(program: Command, perform: Perform): void {
  withCommonOptions(program.command('restore'))
    .summary('make the embedded database again from its backup')
    .description(
      'Make the embedded database again from HOLDFAST_BACKUP_DIR: a copy, and the log that was archived since.',
    )
    .option('--to-end', 'as far as the log goes')
    .option('--to <time>', 'to a moment, in ISO 8601 with its offset: what was committed later is forgotten')
    .option(
      '--timeline <n>',
      'where an earlier restore or a promotion began another history: this one, by its number; the one of that moment otherwise',
    )
    .option('--backup <name>', 'begin with this copy (holdfast backup --list); the newest that fits otherwise')
    .option('--replace', 'move a database that is there aside; nothing is deleted')
    .addHelpText(
      'after',
      `
Stop the server first. Nothing is sold afterwards until the sales fence is opened: what was promised after the last moment that came
back is known to the payment provider, and nobody here. See docs/runbooks/restore.md.

  HOLDFAST_BACKUP_DIR=/mnt/backup holdfast restore --to-end
  HOLDFAST_BACKUP_DIR=/mnt/backup holdfast restore --to 2026-11-27T14:03:00+01:00 --replace`,
    )
    .action((options: RestoreOptions) => perform(options, terminal => restore(terminal, options)))
}

async function restore(terminal: Terminal, options: RestoreOptions): Promise<Report> {
  const { config } = readConfig(terminal.env)
  const backupDir = backupFolder(config.HOLDFAST_BACKUP_DIR)
  const to = howFar(options)
  const timeline = options.timeline === undefined ? null : Number(options.timeline)
  if (timeline !== null && !(Number.isInteger(timeline) && timeline > 0))
    throw new CommandFailure(`--timeline must be a whole number from 1 on, not ${options.timeline}.`, usageError)
  if (config.DATABASE_URL !== undefined)
    throw new CommandFailure('DATABASE_URL is set: restore that server with its own tools.')
  const {
    server,
    backup,
    timeline: followed,
    putAside,
    archivedUntil,
  } = await restoreCluster({
    dataDir: embeddedFolder(config),
    backupDir,
    to,
    timeline,
    backup: options.backup ?? null,
    replace: options.replace ?? false,
    progress: terminal.note,
  })
  const db = openDatabase({ url: server.url, max: 1, name: 'holdfast restore' })
  try {
    const moment = to === null ? `the end of the archive, ${iso(archivedUntil)}` : iso(to)
    await noteRestore(db, moment)
    const fence = await readFence(db)
    const knownUntil = fence.known_until === null ? null : iso(fence.known_until)
    return {
      text: [
        `Restored from ${backup.name} along history ${followed} to ${moment}. The last thing that it knows happened at ${knownUntil}.`,
        ...(putAside === null ? [] : [`The database that was there is in ${putAside}. Delete it when you are sure.`]),
        'The sales fence is closed. Now:',
        '  1. start the server; it settles what it knows',
        '  2. holdfast fence reconcile',
        '  3. holdfast fence open',
      ].join('\n'),
      json: {
        backup: backup.name,
        timeline: followed,
        restored_to: to === null ? null : iso(to),
        known_until: knownUntil,
        put_aside: putAside,
      },
    }
  } finally {
    await db.close()
    await server.stop()
  }
}

function howFar({ toEnd, to }: RestoreOptions): number | null {
  if ((toEnd === true) === (to !== undefined))
    throw new CommandFailure('Say how far: --to-end, or --to with a moment.', usageError)
  return to === undefined ? null : momentOf('--to', to)
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
