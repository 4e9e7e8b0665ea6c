import { resolve } from 'node:path'
import type { Command } from 'commander'
import { readConfig } from '#platform/config/config.ts'
import { takeBaseBackup } from '#platform/postgres/backup/base-backup.ts'
import { backupNames } from '#platform/postgres/backup/manifest.ts'
import { pruneBackups, verifyBackup } from '#platform/postgres/backup/verify-backup.ts'
import { version } from '../../version.ts'
import { withCommonOptions } from '../common-options.ts'
import { embeddedFolder, withDatabase } from '../database.ts'
import { CommandFailure, usageError } from '../failure.ts'
import type { CommonOptions, Perform } from '../main.ts'
import type { Report, Terminal } from '../terminal.ts'

type BackupOptions = CommonOptions & { keep: string; verify?: boolean; list?: boolean }

export function addBackup(program: Command, perform: Perform): void {
  withCommonOptions(program.command('backup'))
    .summary('copy the embedded database while it runs')
    .description(
      'Copy the embedded database, while it sells, into HOLDFAST_BACKUP_DIR, and drop what is older than the newest few.',
    )
    .option('--keep <n>', 'so many copies stay, and the log since the oldest of them', '7')
    .option('--verify', 'make none: read the newest copy and the log since, every byte, and say what is wrong')
    .option('--list', 'make none: name those that there are')
    .addHelpText(
      'after',
      `
The server has to run with HOLDFAST_BACKUP_DIR as well: it then archives its log there, at most 30 s late. Copy and log together
restore any moment since the copy: \`holdfast restore\`. Keys are not in it: \`holdfast keys backup\`.

  HOLDFAST_BACKUP_DIR=/mnt/backup holdfast backup            once a night
  HOLDFAST_BACKUP_DIR=/mnt/backup holdfast backup --verify   exit code 1 if a file or a segment is damaged or missing`,
    )
    .action((options: BackupOptions) => perform(options, terminal => backup(terminal, options)))
}

async function backup(terminal: Terminal, options: BackupOptions): Promise<Report> {
  const { config } = readConfig(terminal.env)
  const backupDir = backupFolder(config.HOLDFAST_BACKUP_DIR)
  const keep = Number(options.keep)
  if (!Number.isInteger(keep) || keep < 1)
    throw new CommandFailure(`--keep must be a whole number from 1 on, not ${options.keep}.`, usageError)
  if (options.list === true) {
    const names = await backupNames(`${backupDir}/base`)
    return { text: names.join('\n') || 'There is none.', json: { backups: names } }
  }
  if (options.verify === true) return verify(backupDir, terminal)
  if (config.DATABASE_URL !== undefined)
    throw new CommandFailure('DATABASE_URL is set: back that server up with its own tools (pg_basebackup, snapshots).')
  const made = await withDatabase(config, terminal, url =>
    takeBaseBackup({ dataDir: embeddedFolder(config), url, backupDir, product: version(), progress: terminal.note }),
  )
  const dropped = await pruneBackups(backupDir, keep)
  const bytes = made.manifest.files.reduce((sum, file) => sum + file.size, 0)
  return {
    text: `${made.name}: ${made.manifest.files.length} files, ${Math.round(bytes / 2 ** 20)} MB in ${backupDir}`,
    json: { name: made.name, files: made.manifest.files.length, bytes, dropped },
  }
}

async function verify(backupDir: string, { note }: Terminal): Promise<Report> {
  const name = (await backupNames(`${backupDir}/base`)).at(-1)
  if (name === undefined) throw new CommandFailure(`There is no backup in ${backupDir}.`)
  const verdict = await verifyBackup(backupDir, name, note)
  const { problems } = verdict
  return {
    text:
      problems.length === 0
        ? `${name} is whole: ${verdict.files} files, ${verdict.segments} segments of the log.`
        : `${name} cannot be trusted:\n${problems.map(problem => `  - ${problem}`).join('\n')}`,
    json: verdict,
    failed: problems.length > 0,
  }
}

export function backupFolder(named: string | undefined): string {
  if (named === undefined)
    throw new CommandFailure('Name the folder of the backups with HOLDFAST_BACKUP_DIR.', usageError)
  return resolve(named)
}
