import { spawn } from 'node:child_process'
import { open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '#kernel/clock.ts'
import type { Binaries } from './binaries.ts'
import { type ClusterView, programProblem } from './cluster.ts'
import { EmbeddedPostgresFault, errorCode } from './faults.ts'
import type { Folders } from './folders.ts'
import { isRunning, processesOfCluster, servesCluster } from './processes.ts'

const pollMilliseconds = 10

export type Postmaster = { pid: number; port: number }

/** The server that runs on the cluster and accepts connections, or null; waits while one is starting or stopping. */
export async function findPostmaster(folders: Folders): Promise<Postmaster | null> {
  for (;;) {
    const file = await readPidFile(folders.cluster)
    if (file === null || (await servesCluster(file.pid, folders.cluster, folders.clusterName)) !== 'yes') return null
    if (file.status === 'ready') return { pid: file.pid, port: file.port }
    await systemClock.sleep(pollMilliseconds)
  }
}

export async function portOfKilledServer(folders: Folders): Promise<number | null> {
  return (await readPidFile(folders.cluster))?.port || null
}

/**
 * Makes the cluster free for a new server. Children of a killed postmaster end by themselves when they notice; one in a
 * long computation notices late, and until then its shared memory keeps a new server from starting. Killing it loses
 * nothing: what it did is in the write-ahead log or was never acknowledged.
 */
export async function clearAfterDeath(folders: Folders): Promise<void> {
  const patience = systemClock.monotonic() + 1000
  for (;;) {
    const orphans = await processesOfCluster(folders.cluster, folders.clusterName)
    if (orphans.length === 0) break
    if (systemClock.monotonic() > patience) for (const pid of orphans) kill(pid, 'SIGKILL')
    await systemClock.sleep(pollMilliseconds)
  }
  // A lock file whose process is gone PostgreSQL judges and removes itself, after a look at the shared memory. It is misled
  // by a zombie, and by another process that was given the number; both we can tell, and nothing of the cluster runs any more.
  const file = await readPidFile(folders.cluster)
  if (file === null || !processExists(file.pid)) return
  const serves = await servesCluster(file.pid, folders.cluster, folders.clusterName)
  if (serves === 'no') await rm(join(folders.cluster, 'postmaster.pid'), { force: true })
}

/** Starts a server in a process group of its own: Ctrl-C in the terminal is for the program that uses it. */
export async function startPostmaster(
  folders: Folders,
  options: { binaries: Binaries; view: ClusterView; port: number; settings: Record<string, string> },
): Promise<Postmaster & { exited: Promise<void> }> {
  const settings = {
    ...options.settings,
    cluster_name: folders.clusterName,
    port: String(options.port),
    listen_addresses: '127.0.0.1',
    // The default, a folder like /run/postgresql, is often absent or not ours; the path of one of our own may be longer
    // than the 107 bytes that a socket's address holds.
    unix_socket_directories: '',
  }
  const args = [
    '-D',
    options.view.path,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
  const log = await open(folders.startLog, 'w')
  const child = spawn(options.binaries.postgres, args, {
    ...options.view.spawn,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  })
  let ended: { code: number | string | null } | null = null
  const exited = new Promise<void>(resolve => {
    child.on('error', error => {
      ended = { code: errorCode(error) ?? null }
      resolve()
    })
    child.on('exit', code => {
      ended = { code }
      resolve()
    })
  })
  child.unref()
  await log.close()
  for (;;) {
    if (ended !== null) throw await startProblem(folders, (ended as { code: number | string | null }).code)
    const file = await readPidFile(folders.cluster)
    if (file?.pid === child.pid && file?.status === 'ready') return { pid: file.pid, port: file.port, exited }
    // Crash recovery reads the log since the last checkpoint, and nobody knows beforehand how long: it ends or exits.
    await systemClock.sleep(pollMilliseconds)
  }
}

/** Sessions are ended, what they committed is kept, and a checkpoint is written; after a minute without one. */
export async function stopPostmaster(folders: Folders, pid: number): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    if ((await servesCluster(pid, folders.cluster, folders.clusterName)) !== 'yes') return
    kill(pid, signal)
    const patience = systemClock.monotonic() + 60_000
    while (systemClock.monotonic() < patience) {
      if (!(await isRunning(pid))) return
      await systemClock.sleep(pollMilliseconds)
    }
  }
  throw new EmbeddedPostgresFault('not-stoppable', `The database server (process ${pid}) does not end.`)
}

export class PortTaken extends Error {}
/** Something of the former server still holds its shared memory or its lock file; passes by itself. */
export class NotYetFree extends Error {}

async function startProblem(folders: Folders, code: number | string | null): Promise<Error> {
  const said = (await readFile(folders.startLog, 'utf8').catch(() => '')).trim()
  if (said.includes('could not create any TCP/IP sockets')) return new PortTaken(said)
  if (said.includes('is still in use') || said.includes('"postmaster.pid" already exists')) return new NotYetFree(said)
  const more = said === '' ? '' : `\nIt said:\n${said.split('\n').slice(-8).join('\n')}`
  return new EmbeddedPostgresFault(
    'not-startable',
    `${programProblem(code)} Its logs are ${folders.startLog} and ${join(folders.cluster, 'log')}.${more}`,
  )
}

/** Line numbers and status words: utils/pidfile.h. */
async function readPidFile(cluster: string): Promise<{ pid: number; port: number; status: string } | null> {
  const lines = (await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  const pid = Number.parseInt(lines[0] ?? '', 10)
  // In single-user mode the number is negative.
  if (!(pid > 0)) return null
  return { pid, port: Number(lines[3] ?? 0), status: (lines[7] ?? '').trim() }
}

function processExists(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return errorCode(error) !== 'ESRCH'
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error
  }
}
