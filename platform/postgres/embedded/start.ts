import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '#kernel/clock.ts'
import { archiveSettings, prepareBackupFolders } from '../backup/archive-folder.ts'
import { type Account, serverAccount } from './account.ts'
import { type Binaries, locateBinaries } from './binaries.ts'
import { type ClusterView, ensureCluster, isRecovering, resetPassword, viewOf } from './cluster.ts'
import { EmbeddedPostgresFault } from './faults.ts'
import { exists, type Folders, readOrMakePassword } from './folders.ts'
import { freePort } from './port.ts'
import {
  clearAfterDeath,
  findPostmaster,
  NotYetFree,
  PortTaken,
  type Postmaster,
  portOfKilledServer,
  startPostmaster,
  stopPostmaster,
} from './postmaster.ts'

export type Installation = {
  folders: Folders
  settings: Record<string, string>
  /** Undefined: as it was the last time. */
  backupDir: string | null | undefined
  make: boolean
  log: (line: string) => void
}

/** `exited` is null for a server that another process started: its end can only be seen by looking. */
export type Running = Postmaster & { exited: Promise<void> | null }

// All of these are called under the folder's lock.

export async function adopt(folders: Folders): Promise<Running | null> {
  const running = await findPostmaster(folders)
  return running === null ? null : { ...running, exited: null }
}

/** Makes the database when there is none. */
export async function start({ folders, settings, backupDir, make, log }: Installation): Promise<Running> {
  if (!make && !(await exists(folders.cluster)))
    throw new EmbeddedPostgresFault(
      'not-startable',
      `There is no database in ${folders.root}. Is HOLDFAST_DATA the folder of the server? \`holdfast start\` makes one.`,
    )
  const account = await serverAccount(folders.cluster)
  const binaries = await locateBinaries(account, folders.root)
  const { password, made } = await readOrMakePassword(folders)
  const sync = settings.fsync !== 'off'
  const fresh = await ensureCluster(folders.cluster, { binaries, account, password, sync })
  const view = await viewOf(folders.cluster, account)
  // Where a killed server was, another process may still be looking for it.
  const lastPort = await portOfKilledServer(folders)
  await clearAfterDeath(folders)
  const run = {
    binaries,
    view,
    settings: { ...(await archiving(await archiveOf(folders, { backupDir, log }), account)), ...settings },
    choosePort: () => freePort(lastPort),
  }
  log(`${fresh ? 'Made' : 'Starting'} the database in ${folders.cluster} (PostgreSQL ${binaries.version})`)
  if (made && !fresh) {
    // The password is set by a server without a network, and that replays no archive.
    if (await isRecovering(folders.cluster)) await stopPostmaster(folders, (await startPatiently(folders, run)).pid)
    await resetPassword(binaries, view, password)
  }
  return await startPatiently(folders, run)
}

/** Unlike a first start it never makes a database: where the sale's is gone, an empty one must not take its place. */
export async function restart({ folders, settings, backupDir, log }: Installation, port: number): Promise<Running> {
  const account = await serverAccount(folders.cluster)
  const binaries = await locateBinaries(account, folders.root)
  const view = await viewOf(folders.cluster, account)
  await clearAfterDeath(folders)
  return await startPatiently(folders, {
    binaries,
    view,
    settings: { ...(await archiving(await archiveOf(folders, { backupDir, log }), account)), ...settings },
    choosePort: async () => port,
  })
}

/**
 * Where this server's log goes. It is kept beside the cluster, because whoever starts the server for a moment, to look, must not leave a
 * gap in the archive.
 */
async function archiveOf(
  { root }: Folders,
  { backupDir, log }: Pick<Installation, 'backupDir' | 'log'>,
): Promise<string | null> {
  const note = join(root, 'archived-into')
  const last = (await readFile(note, 'utf8').catch(() => '')).trim() || null
  const now = backupDir === undefined ? last : backupDir
  if (now === last) return now
  if (now !== null) await writeFile(note, `${now}\n`, { flush: true })
  else {
    await rm(note, { force: true })
    log(`The log is no longer archived in ${last}: what happens from now on no backup there brings back.`)
  }
  return now
}

async function archiving(backupDir: string | null, account: Account | null): Promise<Record<string, string>> {
  return backupDir === null ? {} : archiveSettings(await prepareBackupFolders(backupDir, account), account)
}

async function startPatiently(
  folders: Folders,
  options: {
    binaries: Binaries
    view: ClusterView
    settings: Record<string, string>
    choosePort: () => Promise<number>
  },
): Promise<Running> {
  const patience = systemClock.monotonic() + 30_000
  for (;;) {
    const port = await options.choosePort()
    try {
      return await startPostmaster(folders, { ...options, port })
    } catch (error) {
      const passes = error instanceof PortTaken || error instanceof NotYetFree
      if (!passes) throw error
      if (systemClock.monotonic() > patience) {
        const sentence =
          error instanceof PortTaken
            ? `Port ${port} of 127.0.0.1, where the database was, is taken by another program.`
            : `Something still uses the database in ${folders.cluster}.`
        throw new EmbeddedPostgresFault('not-startable', sentence, { cause: error })
      }
      await systemClock.sleep(100)
    }
  }
}
