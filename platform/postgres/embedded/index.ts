import pg from 'pg'
import { assert } from '#kernel/assert.ts'
import { systemClock } from '#kernel/clock.ts'
import { serverAccount } from './account.ts'
import { type Binaries, locateBinaries } from './binaries.ts'
import { type ClusterView, ensureCluster, resetPassword, superuser, systemIdentifier, viewOf } from './cluster.ts'
import { EmbeddedPostgresFault, errorCode } from './faults.ts'
import { type Folders, prepareFolders, readPassword } from './folders.ts'
import { withLock } from './lock.ts'
import { freePort } from './port.ts'
import {
  clearAfterDeath,
  findPostmaster,
  NotYetFree,
  PortTaken,
  type Postmaster,
  startPostmaster,
  stopPostmaster,
} from './postmaster.ts'
import { isRunning } from './processes.ts'
import { type ServerRole, serverSettings } from './settings.ts'
import { enter } from './users.ts'
import { stopWithThisProcess } from './watch.ts'

export { EmbeddedPostgresFault, type EmbeddedPostgresProblem } from './faults.ts'

export type EmbeddedPostgresOptions = {
  /** Absolute; `<HOLDFAST_DATA>/pg`. The password lies beside it, in `keys/postgres-password`. */
  dataDir: string
  /** One line for the person at the terminal. */
  log: (line: string) => void
  /** Over those of `settings.ts`. */
  settings?: Record<string, string>
  /** After a killed server serves again. */
  onRestart?: (restart: { downMilliseconds: number }) => void
  /** `tests`: does not wait for the disk, and ends with this process, also when that is killed. Default `server`. */
  role?: ServerRole
}

export type EmbeddedPostgres = {
  /** For any process of this machine that may read it: `postgres://holdfast:…@127.0.0.1:port/holdfast`. Stays the same over restarts. */
  url: string
  port: number
  /** It was already running, left by a killed process or in use by another one. */
  adopted: boolean
  pid(): number
  /** From now on a server that dies is started again, at the same address, until `stop`. */
  supervise(): void
  /** Stops the server and waits until it is down, unless another living process uses it too; true when it was stopped. */
  stop(): Promise<boolean>
}

/**
 * A real PostgreSQL on the data folder, made on first use, serving when this returns. One that already serves this folder is
 * adopted. Throws `EmbeddedPostgresFault` with a sentence that says what to do.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const folders = await prepareFolders(options.dataDir)
  const context = { folders, options, settings: serverSettings(options.role ?? 'server', options.settings) }
  const { server, url, user } = await withLock(folders.lock, async () => {
    const server = await adoptOrStart(context)
    const url = await urlOf(folders, server.port)
    await ensureDatabase(url, folders)
    return { server, url, user: await enter(folders.users) }
  })
  if (options.role === 'tests') stopWithThisProcess(server.pid)
  const supervisor = new AbortController()
  let current: Running = server
  let watching: Promise<void> | null = null

  return {
    url,
    port: server.port,
    adopted: server.exited === null,
    pid: () => current.pid,
    supervise: () => {
      watching ??= keepServing(context, server, supervisor.signal, next => (current = next))
    },
    stop: async () => {
      supervisor.abort()
      await watching
      return await withLock(folders.lock, async () => {
        const { last } = await user.leave()
        if (last) await stopPostmaster(current.pid)
        return last
      })
    },
  }
}

type Context = { folders: Folders; options: EmbeddedPostgresOptions; settings: Record<string, string> }
/** `exited` is null for a server that another process started: its end can only be seen by looking. */
type Running = Postmaster & { exited: Promise<void> | null }

/** Call under the lock. With `port`, a server is started there or not at all. */
async function adoptOrStart({ folders, options, settings }: Context, port?: number): Promise<Running> {
  const account = await serverAccount(folders.cluster)
  const running = await findPostmaster(folders)
  if (running !== null) return { ...running, exited: null }
  const binaries = await locateBinaries(account, folders.root)
  const known = await readPassword(folders, { make: false })
  const password = known ?? (await readPassword(folders, { make: true }))
  assert(password !== null, 'a password was made')
  const sync = settings.fsync !== 'off'
  const fresh = await ensureCluster(folders.cluster, { binaries, account, password, sync })
  const view = await viewOf(folders.cluster, account)
  await clearAfterDeath(folders)
  if (known === null && !fresh) await resetPassword(binaries, view, password)
  options.log(
    fresh
      ? `Made a PostgreSQL ${binaries.version} database in ${folders.cluster}`
      : `Starting PostgreSQL ${binaries.version} on ${folders.cluster}`,
  )
  return await startPatiently(folders, { binaries, view, settings, port })
}

async function startPatiently(
  folders: Folders,
  options: { binaries: Binaries; view: ClusterView; settings: Record<string, string>; port: number | undefined },
): Promise<Running> {
  const patience = systemClock.monotonic() + 30_000
  for (;;) {
    try {
      return await startPostmaster(folders, { ...options, port: options.port ?? (await freePort()) })
    } catch (error) {
      const passes = error instanceof PortTaken || error instanceof NotYetFree
      if (!passes) throw error
      if (systemClock.monotonic() > patience) {
        const sentence =
          error instanceof PortTaken
            ? `Port ${options.port ?? ''} of 127.0.0.1, where the database was, is taken by another program.`
            : `Something still uses the database in ${folders.cluster}.`
        throw new EmbeddedPostgresFault('not-startable', sentence, { cause: error })
      }
      await systemClock.sleep(100)
    }
  }
}

/** Starts the server again whenever it is gone, until aborted. */
async function keepServing(context: Context, first: Running, signal: AbortSignal, onChange: (next: Running) => void) {
  const { log, onRestart } = context.options
  const aborted = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
  let current = first
  for (;;) {
    await Promise.race([current.exited ?? gone(current.pid, signal), aborted])
    if (signal.aborted) return
    const down = systemClock.monotonic()
    log('The database server ended unexpectedly; starting it again')
    for (let failures = 0; ; failures++) {
      try {
        current = await withLock(context.folders.lock, () => adoptOrStart(context, first.port))
        break
      } catch (error) {
        log(`The database server could not be started again: ${(error as Error).message}`)
        await systemClock.sleep(Math.min(5000, 250 * 2 ** failures), signal).catch(() => {})
        if (signal.aborted) return
      }
    }
    onChange(current)
    const downMilliseconds = Math.round(systemClock.monotonic() - down)
    log(`The database serves again after ${(downMilliseconds / 1000).toFixed(1)} s`)
    onRestart?.({ downMilliseconds })
  }
}

async function gone(pid: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await isRunning(pid))) await systemClock.sleep(200, signal).catch(() => {})
}

async function urlOf(folders: Folders, port: number, database = 'holdfast'): Promise<string> {
  const password = await readPassword(folders, { make: false })
  if (password === null)
    throw new EmbeddedPostgresFault(
      'account-not-usable',
      `The database server is running, but ${folders.passwordFile} is gone. Stop the server; the next start sets a new password.`,
    )
  return `postgres://${superuser}:${password}@127.0.0.1:${port}/${database}`
}

/** Also proves that what answers at the port is the server of this folder. */
async function ensureDatabase(url: string, folders: Folders): Promise<void> {
  const admin = new pg.Client({
    connectionString: url.replace(/\/holdfast$/, '/postgres'),
    application_name: 'holdfast start',
  })
  try {
    await admin.connect()
    const { rows } = await admin.query(
      `select system_identifier::text as system,
              (select count(*)::int from pg_catalog.pg_database where datname = 'holdfast') as databases
         from pg_catalog.pg_control_system()`,
    )
    assert(rows[0].system === (await systemIdentifier(folders.cluster)), 'the server at our port serves our cluster')
    if (rows[0].databases === 0) await admin.query('create database holdfast')
  } catch (cause) {
    if (errorCode(cause) !== '28P01') throw cause
    throw new EmbeddedPostgresFault(
      'account-not-usable',
      `The database does not accept the password in ${folders.passwordFile}. ` +
        'Stop the server and remove that file; the next start sets a new password.',
      { cause },
    )
  } finally {
    await admin.end().catch(() => {})
  }
}
