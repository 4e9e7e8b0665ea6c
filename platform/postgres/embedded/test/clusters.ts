import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, type TestContext } from 'node:test'
import pg from 'pg'
import { canReach } from '../account.ts'
import { prepareFolders } from '../folders.ts'
import { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from '../index.ts'
import { processesOfCluster } from '../processes.ts'

export const asRoot = process.getuid?.() === 0
export const needsRoot = asRoot ? {} : { skip: 'only root can act as another user' }

const started = new Map<string, EmbeddedPostgres[]>()

/** A fresh `<HOLDFAST_DATA>/pg`; what runs on it and what it holds is gone after the test. */
export async function emptyFolder(t: TestContext, options: { mode?: number; uid?: number } = {}): Promise<string> {
  const dataDir = await makeFolder(options)
  t.after(async () => {
    await stopAll(dataDir)
    await rm(dirname(dataDir), { recursive: true, force: true })
  })
  return dataDir
}

let shared: Promise<string> | undefined
after(async () => shared && rm(dirname(await shared), { recursive: true, force: true }))

/** One for all tests of the file, because making a database takes 2 s; nothing runs on it after the test. */
export async function sharedFolder(t: TestContext): Promise<string> {
  shared ??= makeFolder()
  const dataDir = await shared
  t.after(() => stopAll(dataDir))
  return dataDir
}

async function makeFolder(options: { mode?: number; uid?: number } = {}): Promise<string> {
  const data = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-pg-')))
  await chmod(data, options.mode ?? 0o755)
  if (options.uid !== undefined) await chown(data, options.uid, options.uid)
  return join(data, 'pg')
}

async function stopAll(dataDir: string): Promise<void> {
  for (const server of started.get(dataDir) ?? []) await server.stop()
  started.delete(dataDir)
  await killAll(dataDir)
}

export async function start(
  dataDir: string,
  options: Partial<EmbeddedPostgresOptions> = {},
): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir, log: () => {}, role: 'tests', ...options })
  started.set(dataDir, [...(started.get(dataDir) ?? []), server])
  return server
}

/** `kill -9` of every process of the cluster, as when the machine's power goes. */
export async function killAll(dataDir: string): Promise<void> {
  const { cluster, clusterName } = await prepareFolders(dataDir)
  for (;;) {
    const pids = await processesOfCluster(cluster, clusterName)
    if (pids.length === 0) return
    for (const pid of pids) killNow(pid)
  }
}

export function killNow(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch {
    // it ended by itself
  }
}

export async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {}) // some tests kill the server under it
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

/** Commits a row; `kept` finds it, or not. */
export async function keep(url: string, seat: string): Promise<void> {
  await query(url, `drop table if exists kept; create table kept as select '${seat}' as seat`)
}

export async function kept(url: string): Promise<unknown> {
  return (await query(url, 'select seat from kept'))[0]?.seat
}

export type Report = { url: string; adopted: boolean; pid: number; problem?: string; message?: string }

/** Runs `serve.ts`, as `uid` if given, until `end` is called or the test ends. */
export async function serveElsewhere(t: TestContext, dataDir: string, uid?: number) {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'serve.ts'), dataDir], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  t.after(() => child.kill('SIGKILL'))
  const [line] = (await once(createInterface(child.stdout!), 'line')) as [string]
  const exited = once(child, 'exit')
  const end = async () => {
    child.stdin!.end()
    await exited
  }
  return { report: JSON.parse(line) as Report, child, end }
}

/** Why a test that runs our code as another user cannot, or false. */
export async function outOfReachFor(uid: number): Promise<string | false> {
  if (!asRoot) return 'only root can act as another user'
  const reachable = await canReach({ uid, gid: uid }, import.meta.dirname)
  return reachable ? false : 'this checkout lies below a folder that other users cannot enter'
}
