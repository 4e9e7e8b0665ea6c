import { rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '#kernel/clock.ts'
import { overOneConnection } from '../connections.ts'
import { serverAccount } from '../embedded/account.ts'
import { EmbeddedPostgresFault } from '../embedded/faults.ts'
import { exists, prepareFolders } from '../embedded/folders.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../embedded/index.ts'
import { withLock } from '../embedded/lock.ts'
import { findPostmaster } from '../embedded/postmaster.ts'
import { prepareBackupFolders, restoreCommand } from './archive-folder.ts'
import { copyCluster, type Progress, writeDurably } from './copy-cluster.ts'
import { type BaseBackup, backupNames, readManifest } from './manifest.ts'
import { walChain } from './wal-chain.ts'

export type RestoreOptions = {
  /** `<HOLDFAST_DATA>/pg`. */
  dataDir: string
  backupDir: string
  /** Milliseconds since 1970; null: to the end of what there is. */
  to: number | null
  /** A history by its number; null: the one in which the box office was at that moment, or the newest. */
  timeline: number | null
  /** A base backup by its name; null: the newest that is older than `to`. */
  backup: string | null
  /** What is in the data folder is put aside; without it a folder with a database is refused. */
  replace: boolean
  progress: Progress
}

export type Restored = {
  server: EmbeddedPostgres
  backup: BaseBackup
  /** The history that was followed. */
  timeline: number
  /** Where the database that was there is now. */
  putAside: string | null
  /** When the last segment that was replayed came into the archive. */
  archivedUntil: number
}

/**
 * Makes the cluster of a base backup and the archived log. The server runs when this returns, on a timeline of its own, and sells
 * nothing: the sales fence does not know this timeline. Nothing is deleted; what was there is moved aside.
 */
export async function restoreCluster(options: RestoreOptions): Promise<Restored> {
  const { dataDir, progress, to } = options
  const folders = await prepareFolders(dataDir)
  const { backup, timeline, putAside, settings, archivedUntil } = await withLock(folders.lock, async () => {
    const running = await findPostmaster(folders)
    if (running !== null)
      throw new EmbeddedPostgresFault(
        'not-startable',
        `A server runs on ${folders.cluster} (process ${running.pid}). Stop it first.`,
      )
    const isThere = await exists(folders.cluster)
    if (isThere && !options.replace)
      throw new EmbeddedPostgresFault(
        'folder-not-usable',
        `${folders.cluster} has a database. With --replace it is moved aside, and kept.`,
      )
    const account = await serverAccount(folders.cluster)
    const archive = await prepareBackupFolders(options.backupDir, account)
    const backup = await chooseBackup(archive.base, options)
    const chain = await walChain(archive.wal, backup.manifest, options)
    const archivedUntil = chain.reaches === null ? 0 : (await stat(join(archive.wal, `${chain.reaches}.gz`))).mtimeMs
    // What a segment has happened before it was archived: where that was before the moment, the moment is certainly not in it.
    if (chain.missing.length > 0 && (to === null || archivedUntil < to))
      throw new EmbeddedPostgresFault(
        'not-startable',
        `Segment ${chain.missing[0]} of the log is missing in ${archive.wal}` +
          `${chain.missing.length > 1 ? `, and ${chain.missing.length - 1} more` : ''}: what came after it cannot be restored. ` +
          `Find it, or restore to a moment before it with --to.`,
      )
    progress(`Copying the backup ${backup.name} (${backup.manifest.files.length} files)`)
    const restoring = `${folders.cluster}.restoring`
    await rm(restoring, { recursive: true, force: true })
    const expected = new Map(backup.manifest.files.map(file => [file.path, file]))
    const copied = await copyCluster(join(backup.folder, 'cluster'), restoring, { account, progress, expected })
    const lacking = backup.manifest.files.length - copied.length
    if (lacking > 0)
      throw new EmbeddedPostgresFault(
        'not-startable',
        `${lacking} files of the backup ${backup.name} are missing. Use another one (--backup).`,
      )
    await writeDurably(join(restoring, 'backup_label'), backup.manifest.label, account)
    await writeDurably(join(restoring, 'recovery.signal'), '', account)
    const putAside = isThere ? `${folders.cluster}.before-${stamp(systemClock.now())}` : null
    if (putAside !== null) await rename(folders.cluster, putAside)
    await rename(restoring, folders.cluster)
    const settings: Record<string, string> = {
      restore_command: await restoreCommand(archive, account),
      recovery_target_timeline: String(chain.timeline),
      recovery_target_action: 'promote',
      ...(to !== null && { recovery_target_time: new Date(to).toISOString().replace('T', ' ').replace('Z', '+00') }),
      // Then the server counts as started when the log is replayed, and not when it could be looked at.
      hot_standby: 'off',
      // The copy may be of one that waited for a standby. Nobody follows this one, and it would wait for ever.
      synchronous_standby_names: '',
      // What ends a recovery is told where its start is told.
      logging_collector: 'off',
    }
    return { backup, timeline: chain.timeline, putAside, settings, archivedUntil }
  })
  progress('Replaying the log')
  const server = await startEmbeddedPostgres({ dataDir, backupDir: options.backupDir, log: () => {}, settings }).catch(
    error => {
      throw isBeyond(error)
        ? new EmbeddedPostgresFault(
            'not-startable',
            `The archive ends before ${new Date(to!).toISOString()}. Restore --to-end, or to an earlier moment.` +
              (putAside === null ? '' : ` What was there before is in ${putAside}.`),
            { cause: error },
          )
        : error
    },
  )
  await forgetStandbys(server.url)
  return { server, backup, timeline, putAside, archivedUntil }
}

/** What `alter system` said of standbys came with the copy, and holds again at the next start. */
async function forgetStandbys(url: string): Promise<void> {
  await overOneConnection({ url, name: 'holdfast restore' }, async client => {
    for (const setting of ['synchronous_standby_names', 'primary_conninfo', 'primary_slot_name'])
      await client.query(`alter system reset ${setting}`)
  })
}

function isBeyond(error: unknown): boolean {
  return /before configured recovery target was reached/.test((error as Error).message)
}

async function chooseBackup(base: string, { to, backup }: RestoreOptions): Promise<BaseBackup> {
  const names = await backupNames(base)
  if (backup !== null && !names.includes(backup))
    throw new EmbeddedPostgresFault('folder-not-usable', `${base} has no backup ${backup}; it has ${names.join(', ')}.`)
  const candidates = backup === null ? names.toReversed() : [backup]
  for (const name of candidates) {
    const folder = join(base, name)
    const manifest = await readManifest(folder)
    if (to === null || Date.parse(manifest.endedAt) <= to) return { name, folder, manifest }
  }
  throw new EmbeddedPostgresFault(
    'folder-not-usable',
    names.length === 0
      ? `${base} has no backup.`
      : `No backup in ${base} was complete by ${new Date(to!).toISOString()}; the oldest is ${names[0]}.`,
  )
}

function stamp(at: number): string {
  return new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, '')
}
