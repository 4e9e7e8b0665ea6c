import { systemClock } from '#kernel/clock.ts'
import { archiveSettings, prepareBackupFolders } from '../backup/archive-folder.ts'
import { type Account, serverAccount } from './account.ts'
import { type Binaries, locateBinaries } from './binaries.ts'
import { type ClusterView, ensureCluster, resetPassword, viewOf } from './cluster.ts'
import { EmbeddedPostgresFault } from './faults.ts'
import { type Folders, readOrMakePassword } from './folders.ts'
import { freePort } from './port.ts'
import {
  clearAfterDeath,
  findPostmaster,
  NotYetFree,
  PortTaken,
  type Postmaster,
  portOfKilledServer,
  startPostmaster,
} from './postmaster.ts'

export type Installation = {
  folders: Folders
  settings: Record<string, string>
  backupDir: string | null
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
export async function start({ folders, settings, backupDir, log }: Installation): Promise<Running> {
  const account = await serverAccount(folders.cluster)
  const binaries = await locateBinaries(account, folders.root)
  const { password, made } = await readOrMakePassword(folders)
  const sync = settings.fsync !== 'off'
  const fresh = await ensureCluster(folders.cluster, { binaries, account, password, sync })
  const view = await viewOf(folders.cluster, account)
  // Where a killed server was, another process may still be looking for it.
  const lastPort = await portOfKilledServer(folders)
  await clearAfterDeath(folders)
  if (made && !fresh) await resetPassword(binaries, view, password)
  log(`${fresh ? 'Made' : 'Starting'} the database in ${folders.cluster} (PostgreSQL ${binaries.version})`)
  return await startPatiently(folders, {
    binaries,
    view,
    settings: { ...(await archiving(backupDir, account)), ...settings },
    choosePort: () => freePort(lastPort),
  })
}

/** Unlike a first start it never makes a database: where the sale's is gone, an empty one must not take its place. */
export async function restart({ folders, settings, backupDir }: Installation, port: number): Promise<Running> {
  const account = await serverAccount(folders.cluster)
  const binaries = await locateBinaries(account, folders.root)
  const view = await viewOf(folders.cluster, account)
  await clearAfterDeath(folders)
  return await startPatiently(folders, {
    binaries,
    view,
    settings: { ...(await archiving(backupDir, account)), ...settings },
    choosePort: async () => port,
  })
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
