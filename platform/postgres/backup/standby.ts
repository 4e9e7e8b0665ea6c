import { appendFile, copyFile, mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type pg from 'pg'
import { overOneConnection } from '../connections.ts'
import { serverAccount } from '../embedded/account.ts'
import { EmbeddedPostgresFault } from '../embedded/faults.ts'
import { exists, prepareFolders } from '../embedded/folders.ts'
import { withLock } from '../embedded/lock.ts'
import { whileBackingUp } from './base-backup.ts'
import { copyCluster, type Progress, writeDurably } from './copy-cluster.ts'

export type StandbyOptions = {
  /** `<HOLDFAST_DATA>/pg` of the primary, and of the standby. */
  primaryDir: string
  standbyDir: string
  /** How the standby reaches the primary, as the superuser. */
  primaryUrl: string
  /** Its name among the primary's standbys, and of its slot there. */
  name: string
  progress: Progress
}

/**
 * A copy of a running cluster that follows it once `startEmbeddedPostgres` starts it. The slot keeps the log that the standby has not
 * had yet, so that it can be away for a while; how much is bounded by `max_slot_wal_keep_size` (`settings.ts`).
 */
export async function makeStandby({
  primaryDir,
  standbyDir,
  primaryUrl,
  name,
  progress,
}: StandbyOptions): Promise<void> {
  const [primary, standby] = [await prepareFolders(primaryDir), await prepareFolders(standbyDir)]
  if (await exists(standby.cluster))
    throw new EmbeddedPostgresFault(
      'folder-not-usable',
      `${standby.cluster} has a database. A standby needs an empty folder.`,
    )
  await withLock(standby.lock, async () => {
    const account = await serverAccount(standby.cluster)
    const unfinished = `${standby.cluster}.new`
    await rm(unfinished, { recursive: true, force: true })
    await once(
      primaryUrl,
      `select pg_create_physical_replication_slot($1, true)
      where not exists (select from pg_replication_slots where slot_name = $1)`,
      [name],
    )
    const copied = await whileBackingUp(primaryUrl, { waitForArchive: false, progress }, async () => {
      await copyCluster(primary.cluster, unfinished, { account, progress })
    })
    await writeDurably(join(unfinished, 'backup_label'), copied.label, account)
    await writeDurably(join(unfinished, 'standby.signal'), '', account)
    // In a file that only the server's account reads: a command line is there for everybody.
    await appendFile(
      join(unfinished, 'postgresql.auto.conf'),
      `primary_conninfo = '${conninfo(primaryUrl, name)}'\nprimary_slot_name = '${name}'\n`,
    )
    await mkdir(dirname(standby.passwordFile), { recursive: true, mode: 0o700 })
    await copyFile(primary.passwordFile, standby.passwordFile)
    await rename(unfinished, standby.cluster)
  })
}

/**
 * From now on nothing is acknowledged that the standby has not on its disk (`name`), or that is so no more (null). Returns when the
 * standby has caught up: until then the primary's commits wait for it.
 */
export async function setSynchronousStandby(primaryUrl: string, name: string | null): Promise<void> {
  await once(primaryUrl, `alter system set synchronous_standby_names = '${name === null ? '' : `"${name}"`}'`)
  await once(primaryUrl, 'select pg_reload_conf()')
}

/** How a standby stands with the primary: `sync` is what a lossless promotion needs. */
export async function standbyState(
  primaryUrl: string,
  name: string,
): Promise<'absent' | 'catching-up' | 'async' | 'sync'> {
  const rows = await once<{ state: string; sync_state: string }>(
    primaryUrl,
    'select state, sync_state from pg_stat_replication where application_name = $1',
    [name],
  )
  if (rows[0] === undefined) return 'absent'
  return rows[0].state !== 'streaming' ? 'catching-up' : rows[0].sync_state === 'sync' ? 'sync' : 'async'
}

/** Makes the standby a primary, on a timeline of its own. Whoever calls this has seen that the former primary is dead and stays so. */
export async function promoteStandby(standbyUrl: string): Promise<void> {
  const [row] = await once<{ done: boolean }>(standbyUrl, 'select pg_promote(true, 60) as done')
  if (row?.done !== true)
    throw new EmbeddedPostgresFault('not-startable', 'The standby could not be promoted within a minute.')
  // It waits for nobody of the kind that its former primary waited for.
  await setSynchronousStandby(standbyUrl, null)
}

function conninfo(url: string, name: string): string {
  const { hostname, port, username, password } = new URL(url)
  return `host=${hostname} port=${port} user=${username} password=${password} application_name=${name}`
}

async function once<Row extends pg.QueryResultRow>(url: string, sql: string, values: unknown[] = []): Promise<Row[]> {
  const { rows } = await overOneConnection({ url, name: 'holdfast standby' }, client => client.query<Row>(sql, values))
  return rows
}
