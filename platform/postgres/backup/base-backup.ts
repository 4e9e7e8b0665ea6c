import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { assert } from '#kernel/assert.ts'
import { systemClock } from '#kernel/clock.ts'
import { overOneConnection } from '../connections.ts'
import { serverAccount } from '../embedded/account.ts'
import { EmbeddedPostgresFault, errorCode } from '../embedded/faults.ts'
import { prepareFolders } from '../embedded/folders.ts'
import { withLock } from '../embedded/lock.ts'
import { archivesInto, type BackupFolders, prepareBackupFolders } from './archive-folder.ts'
import { type CopiedFile, copyCluster, type Progress, writeDurably } from './copy-cluster.ts'
import { type Manifest, sealed } from './manifest.ts'
import { walChain } from './wal-chain.ts'

export type BackupOptions = {
  /** `<HOLDFAST_DATA>/pg`. */
  dataDir: string
  url: string
  backupDir: string
  /** Version of what made it. */
  product: string
  progress: Progress
}

/**
 * A copy of the running cluster and what is needed to make a consistent one of it: between `pg_backup_start` and `pg_backup_stop`
 * every page that changes is in the log whole. It has its name only when it is complete, and when the archive has all of its log.
 */
export async function takeBaseBackup(options: BackupOptions): Promise<{ name: string; manifest: Manifest }> {
  const { dataDir, url } = options
  const { cluster } = await prepareFolders(dataDir)
  const folders = await prepareBackupFolders(options.backupDir, await serverAccount(cluster))
  await ensureArchiving(url, folders)
  return withLock(join(folders.base, '.lock'), () => copyAndSeal(options, { cluster, folders }), {
    waitSeconds: 0,
    busy: `Another backup is being made in ${folders.base}`,
  })
}

async function copyAndSeal(
  { url, product, progress }: BackupOptions,
  { cluster, folders }: { cluster: string; folders: BackupFolders },
): Promise<{ name: string; manifest: Manifest }> {
  const unfinished = join(folders.base, '.unfinished')
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { mode: 0o700 })
  let files: CopiedFile[] = []
  const copied = await whileBackingUp(url, { waitForArchive: true, progress }, async () => {
    files = await copyCluster(cluster, join(unfinished, 'cluster'), { account: null, progress })
  })
  const { label, tablespaces, ...about } = copied
  await writeDurably(join(unfinished, 'cluster/backup_label'), label)
  if (tablespaces !== '') await writeDurably(join(unfinished, 'cluster/tablespace_map'), tablespaces)
  const manifest: Manifest = { format: 1, product, ...about, label, files }
  const { missing } = await walChain(folders.wal, manifest)
  assert(missing.length === 0, `a backup has all of its log, and lacks ${missing[0]}`)
  await writeDurably(join(unfinished, 'manifest.json'), sealed(manifest))
  const name = about.endedAt.replaceAll(/[-:]|\.\d+/g, '')
  await rename(unfinished, join(folders.base, name))
  return { name, manifest }
}

/** Without its log a copy cannot be made consistent, and PostgreSQL says no more than a notice when it archives nothing. */
async function ensureArchiving(url: string, folders: BackupFolders): Promise<void> {
  const { rows } = await overOneConnection({ url, name: 'holdfast backup' }, client =>
    client.query(`select current_setting('archive_mode') as mode, current_setting('archive_command') as command`),
  )
  const { mode, command } = rows[0]
  if (mode === 'on' && archivesInto(folders, command)) return
  throw new EmbeddedPostgresFault(
    'folder-not-usable',
    `The server does not archive its log in ${folders.wal}, and without it a copy is of no use. ` +
      `Stop the server and start it with HOLDFAST_BACKUP_DIR=${folders.root}.`,
  )
}

/** The archive takes what a copy needs within seconds, or something is wrong with it. */
const archivedWithinMinutes = 15
const statementTimedOut = '57014'

type BackedUp = Omit<Manifest, 'format' | 'product' | 'files' | 'label'> & { label: string; tablespaces: string }

/** The connection that began a backup has to be the one that ends it; if it breaks, PostgreSQL forgets the backup. */
export async function whileBackingUp(
  url: string,
  { waitForArchive, progress }: { waitForArchive: boolean; progress: Progress },
  copy: () => Promise<void>,
): Promise<BackedUp> {
  return overOneConnection({ url, name: 'holdfast backup' }, async client => {
    let broken: Error | null = null
    client.on('error', error => {
      broken = error
    })
    // Above all that it waits for the archive, and what to look at.
    client.on('notice', ({ severity, message }) => {
      if (severity === 'WARNING') progress(`The database says: ${message}`)
    })
    // An embedded server has the clock of this machine.
    const startedAt = new Date(systemClock.now()).toISOString()
    const started = await client.query(
      `select pg_backup_start('holdfast', fast => true)::text as lsn,
         current_setting('server_version') as version, (select system_identifier::text from pg_control_system()) as system`,
    )
    const { lsn, version, system } = started.rows[0]
    const segment = await client.query('select pg_walfile_name($1::pg_lsn) as name', [lsn])
    await copy()
    if (broken !== null) throw broken
    await client.query(`set statement_timeout = '${archivedWithinMinutes}min'`)
    const stopped = await client
      .query(
        `select s.lsn::text, s.labelfile, s.spcmapfile, pg_walfile_name(s.lsn) as segment
         from pg_backup_stop(wait_for_archive => $1) s`,
        [waitForArchive],
      )
      .catch(cause => {
        if (errorCode(cause) !== statementTimedOut) throw cause
        throw new EmbeddedPostgresFault(
          'not-startable',
          `The archive has not taken the log of this copy within ${archivedWithinMinutes} minutes, so there is no backup. ` +
            'See docs/runbooks/archive-failing.md.',
          { cause },
        )
      })
    const end = stopped.rows[0]
    return {
      postgres: version,
      systemIdentifier: system,
      timeline: Number.parseInt(segment.rows[0].name.slice(0, 8), 16),
      startLsn: lsn,
      stopLsn: end.lsn,
      startSegment: segment.rows[0].name,
      stopSegment: end.segment,
      startedAt,
      endedAt: new Date(systemClock.now()).toISOString(),
      label: end.labelfile,
      tablespaces: end.spcmapfile ?? '',
    }
  })
}
