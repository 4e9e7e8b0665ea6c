import { execFile } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import { errorCode } from './faults.ts'

/**
 * What other processes are, from their numbers. A number alone says little: it is given again after a while, and in a
 * container whose first process does not collect its dead, a killed server stays listed as a zombie. Linux tells us
 * through /proc (slim images have no `ps`), macOS through `ps`.
 */

/** Distinguishes a process from a later one of the same number, also across restarts of the machine. Null: it is not running. */
export async function processIdentity(pid: number): Promise<string | null> {
  if (process.platform === 'linux') {
    const status = await linuxStatus(pid)
    if (status === null || status.zombie) return null
    return `${await bootId()}-${status.startTicks}`
  }
  const [line] = await ps(['-p', String(pid), '-o', 'lstart='])
  return line?.trim().replaceAll(/\W+/g, '-') ?? null
}

export async function isRunning(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false
  }
  if (process.platform !== 'linux') return true
  const status = await linuxStatus(pid)
  return status !== null && !status.zombie
}

/**
 * Whether this is a PostgreSQL process, postmaster or child, that works on the cluster. `clusterDir` is a real path. The
 * working directory tells for sure, but a container's root may not look at another account's; then the cluster's name
 * does, which stands among the postmaster's arguments and in the titles of its children.
 */
export async function servesCluster(
  pid: number,
  clusterDir: string,
  clusterName: string,
): Promise<'yes' | 'no' | 'unknown'> {
  if (process.platform !== 'linux') {
    const [line] = await ps(['-ww', '-p', String(pid), '-o', 'command='])
    return line === undefined ? 'no' : mentions(line, clusterName) ? 'yes' : /postgres/.test(line) ? 'unknown' : 'no'
  }
  const status = await linuxStatus(pid)
  if (status === null || status.zombie || status.command !== 'postgres') return 'no'
  const folder = await readlink(`/proc/${pid}/cwd`).catch(() => null)
  if (folder !== null) return folder === clusterDir ? 'yes' : 'no'
  const title = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return mentions(title.replaceAll('\0', ' '), clusterName) ? 'yes' : 'unknown'
}

function mentions(title: string, clusterName: string): boolean {
  return title.includes(`cluster_name=${clusterName}`) || title.startsWith(`postgres: ${clusterName}: `)
}

export async function processesOfCluster(clusterDir: string, clusterName: string): Promise<number[]> {
  const pids =
    process.platform === 'linux'
      ? (await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(Number)
      : (await ps(['-ax', '-o', 'pid='])).map(Number)
  const found: number[] = []
  for (const pid of pids) if ((await servesCluster(pid, clusterDir, clusterName)) === 'yes') found.push(pid)
  return found
}

type LinuxStatus = { command: string; zombie: boolean; startTicks: string }

async function linuxStatus(pid: number): Promise<LinuxStatus | null> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  if (line === null) return null
  // proc_pid_stat(5): the command stands in parentheses and may itself contain spaces and parentheses.
  const end = line.lastIndexOf(')')
  const fields = line.slice(end + 2).split(' ')
  const command = line.slice(line.indexOf('(') + 1, end)
  return { command, zombie: fields[0] === 'Z' || fields[0] === 'X', startTicks: fields[19] ?? '' }
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).slice(0, 8)
}

async function ps(args: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', args).catch(() => ({ stdout: '' }))
  return stdout.split('\n').filter(line => line.trim() !== '')
}
