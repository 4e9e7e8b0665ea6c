import { assert } from '#kernel/assert.ts'
import { overOneConnection } from '../connections.ts'
import { superuser, systemIdentifier } from './cluster.ts'
import { EmbeddedPostgresFault, errorCode } from './faults.ts'
import { type Folders, prepareFolders, readPassword } from './folders.ts'
import { withLock } from './lock.ts'
import { stopPostmaster } from './postmaster.ts'
import { type ServerRole, serverSettings } from './settings.ts'
import { adopt, type Installation, start } from './start.ts'
import { keepServing } from './supervise.ts'
import { enter } from './users.ts'
import { stopWithThisProcess } from './watch.ts'

export type EmbeddedPostgresOptions = {
  /** Absolute; `<HOLDFAST_DATA>/pg`. The password lies beside it, in `keys/postgres-password`. */
  dataDir: string
  /** One line for the person at the terminal. */
  log: (line: string) => void
  /** Over those of `settings.ts`. */
  settings?: Record<string, string>
  /** Where the log is archived (`backup/`); null: nowhere; absent: where it was when somebody last said. */
  backupDir?: string | null
  /** Whether a database is made where there is none. Default: yes. */
  make?: boolean
  /** After a killed server serves again. */
  onRestart?: (restart: { downMilliseconds: number }) => void
  /** `tests`: does not wait for the disk, and ends with the process that started it, also when that is killed. Default `server`. */
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
  const settings = serverSettings(options.role ?? 'server', options.settings)
  const { backupDir, make = true, log } = options
  const installation: Installation = { folders, settings, backupDir, make, log }
  const { server, url, user } = await withLock(folders.lock, async () => {
    const server = (await adopt(folders)) ?? (await start(installation))
    try {
      const url = await urlOf(folders, server.port)
      await ensureDatabase(url, folders)
      return { server, url, user: await enter(folders.users) }
    } catch (error) {
      if (server.exited !== null) await stopPostmaster(folders, server.pid)
      throw error
    }
  })
  const callOff = options.role === 'tests' && server.exited !== null ? stopWithThisProcess(server.pid) : () => {}
  const supervisor = new AbortController()
  let pid = server.pid
  let watching: Promise<void> | null = null

  return {
    url,
    port: server.port,
    adopted: server.exited === null,
    pid: () => pid,
    supervise: () => {
      watching ??= keepServing(installation, server, {
        signal: supervisor.signal,
        onRestart: (next, downMilliseconds) => {
          pid = next.pid
          options.onRestart?.({ downMilliseconds })
        },
      })
    },
    stop: async () => {
      supervisor.abort()
      await watching
      return await withLock(folders.lock, async () => {
        const { last } = await user.leave()
        if (last) await stopPostmaster(folders, pid)
        callOff()
        return last
      })
    },
  }
}

async function urlOf(folders: Folders, port: number, database = 'holdfast'): Promise<string> {
  const password = await readPassword(folders)
  if (password === null)
    throw new EmbeddedPostgresFault(
      'account-not-usable',
      `The database server is running, but ${folders.passwordFile} is gone. Stop the server; the next start sets a new password.`,
    )
  return `postgres://${superuser}:${password}@127.0.0.1:${port}/${database}`
}

/** Also proves that what answers at the port is the server of this folder. */
async function ensureDatabase(url: string, folders: Folders): Promise<void> {
  const admin = { url: url.replace(/\/holdfast$/, '/postgres'), name: 'holdfast start' }
  try {
    await overOneConnection(admin, async client => {
      const { rows } = await client.query(
        `select system_identifier::text as system,
                (select count(*)::int from pg_catalog.pg_database where datname = 'holdfast') as databases
           from pg_catalog.pg_control_system()`,
      )
      assert(rows[0].system === (await systemIdentifier(folders.cluster)), 'the server at our port serves our cluster')
      if (rows[0].databases === 0) await client.query('create database holdfast')
    })
  } catch (cause) {
    if (errorCode(cause) !== '28P01') throw cause
    throw new EmbeddedPostgresFault(
      'account-not-usable',
      `The database does not accept the password in ${folders.passwordFile}. ` +
        'Stop the server and remove that file; the next start sets a new password.',
      { cause },
    )
  }
}
