import { spawn } from 'node:child_process'
import { chmod, chown, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { assert } from '#kernel/assert.ts'
import { type Account, canReach } from './account.ts'
import type { Binaries } from './binaries.ts'
import { EmbeddedPostgresFault, errorCode } from './faults.ts'
import { exists } from './folders.ts'

/** How to start a program of PostgreSQL on a cluster. */
export type ClusterView = {
  /** For -D. */
  path: string
  spawn: { cwd: string; uid?: number; gid?: number; env: Record<string, string> }
}

export const superuser = 'holdfast'

/**
 * The cluster as the server's account sees it. Below a folder that this account may not enter (a data folder in root's
 * home), its path is of no use to it; but a process enters its working directory while it is still root, and on Linux
 * `/proc/self/cwd` leads every process of the server there without a look at the folders above.
 */
export async function viewOf(cluster: string, account: Account | null): Promise<ClusterView> {
  const path = (await canReach(account, dirname(cluster))) ? cluster : '/proc/self/cwd'
  if (path !== cluster && process.platform !== 'linux')
    throw new EmbeddedPostgresFault(
      'folder-not-usable',
      `The account that PostgreSQL runs as (uid ${account?.uid}) cannot enter ${dirname(cluster)}. ` +
        'Choose a HOLDFAST_DATA outside of home folders, or start Holdfast as an ordinary user.',
    )
  // Nothing from our own environment: PGDATA, PGPORT, LC_* and the like would change what the server does.
  return { path, spawn: { cwd: cluster, ...account, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } } }
}

/** True when there was none yet. Fails when the existing one belongs to somebody else or to another PostgreSQL. */
export async function ensureCluster(
  cluster: string,
  options: { binaries: Binaries; account: Account | null; password: string; sync: boolean },
): Promise<boolean> {
  const { binaries, account } = options
  if (await exists(cluster)) {
    await checkCluster(cluster, binaries.major, account)
    return false
  }
  // Made under another name: an interrupted first start leaves nothing that looks like a database.
  const unfinished = `${cluster}.new`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished)
  await chmod(unfinished, 0o700)
  if (account !== null) await chown(unfinished, account.uid, account.gid)
  await initialise(await viewOf(unfinished, account), options)
  await rename(unfinished, cluster)
  await syncFolder(dirname(cluster))
  return true
}

async function checkCluster(cluster: string, major: number, account: Account | null): Promise<void> {
  const { uid } = await stat(cluster)
  if (uid === 0 && account !== null) {
    throw new EmbeddedPostgresFault(
      'account-not-usable',
      `The database in ${cluster} belongs to root, which PostgreSQL refuses. Give it to uid ${account.uid} (chown -R).`,
    )
  }
  if (account === null && uid !== process.getuid?.()) {
    throw new EmbeddedPostgresFault(
      'account-not-usable',
      `The database in ${cluster} belongs to another user (uid ${uid}). Start Holdfast as that user or as root, or choose another HOLDFAST_DATA.`,
    )
  }
  const version = (await readFile(join(cluster, 'PG_VERSION'), 'utf8').catch(() => '')).trim()
  if (version === '') {
    throw new EmbeddedPostgresFault('folder-not-usable', `${cluster} is not a PostgreSQL data directory. Move it away.`)
  }
  if (version !== String(major)) {
    throw new EmbeddedPostgresFault(
      'version-mismatch',
      `The database in ${cluster} was made by PostgreSQL ${version}; this Holdfast brings ${major}. ` +
        'Start it with the version of Holdfast that made it, or choose another HOLDFAST_DATA.',
    )
  }
}

/**
 * The builtin locale sorts by code point and knows upper and lower case of all scripts, alike on every machine: indexes
 * survive an update of the C library. The password comes through a pipe that the server's account itself opens, because
 * it cannot read our files.
 */
async function initialise(view: ClusterView, options: { binaries: Binaries; password: string; sync: boolean }) {
  const script = 'printf "%s\\n" "$NEW_PASSWORD" | "$@"'
  const args = [
    '-D',
    view.path,
    `--username=${superuser}`,
    '--auth=scram-sha-256',
    '--pwfile=/dev/stdin',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--data-checksums',
    ...(options.sync ? [] : ['--no-sync']),
  ]
  const { code, output } = await run('/bin/sh', ['-c', script, 'sh', options.binaries.initdb, ...args], view, {
    env: { NEW_PASSWORD: options.password },
  })
  if (code === 0) return
  if (output.includes('could not look up effective user ID')) {
    throw new EmbeddedPostgresFault(
      'account-not-usable',
      `This user (uid ${view.spawn.uid ?? process.getuid?.()}) has no name, which PostgreSQL needs to make a database. ` +
        'Add it to /etc/passwd, or set DATABASE_URL.',
    )
  }
  throw new EmbeddedPostgresFault('not-startable', `${programProblem(code)} initdb said:\n${output.trim()}`)
}

/** For a cluster whose password file is gone: single-user mode needs none. The server must not be running. */
export async function resetPassword(binaries: Binaries, view: ClusterView, password: string): Promise<void> {
  assert(/^[\w-]+$/.test(password), 'our passwords need no quoting')
  const input = `alter role ${superuser} password '${password}'\n`
  // Segments that wait for the archive are recycled by a server that does not archive; and no standby follows this one, to be waited for.
  const settings = ['-c', 'archive_mode=on', '-c', 'synchronous_standby_names=']
  const options = ['--single', '-D', view.path, ...settings, 'postgres']
  const { code, output } = await run(binaries.postgres, options, view, { input })
  if (code !== 0) throw new EmbeddedPostgresFault('not-startable', `The password could not be set:\n${output.trim()}`)
}

/** Whether its next start replays an archive, or follows a primary. */
export async function isRecovering(cluster: string): Promise<boolean> {
  return (await exists(join(cluster, 'recovery.signal'))) || (await exists(join(cluster, 'standby.signal')))
}

/** Changes with every initdb: two clusters never share it. The first eight bytes of pg_control (catalog/pg_control.h). */
export async function systemIdentifier(cluster: string): Promise<string> {
  const control = await open(join(cluster, 'global/pg_control'))
  try {
    const { buffer } = await control.read(Buffer.alloc(8), 0, 8, 0)
    return buffer.readBigInt64LE().toString()
  } finally {
    await control.close()
  }
}

/** The sentence for a program that ended with this code before it did its work. */
export function programProblem(code: number | string | null): string {
  if (code === 'EPERM')
    return 'This process may not start programs as another user; start Holdfast as an ordinary user.'
  // The file is there, so what is missing is the loader or a library that it names.
  if (code === 'ENOENT' || code === 'ENOEXEC' || code === 126 || code === 127)
    return 'The embedded PostgreSQL does not run on this system (it is built for glibc; Alpine has musl). Set DATABASE_URL to a PostgreSQL 15 or later.'
  return 'The embedded PostgreSQL could not be started.'
}

async function run(
  program: string,
  args: string[],
  view: ClusterView,
  options: { env?: Record<string, string>; input?: string },
): Promise<{ code: number | string | null; output: string }> {
  const child = spawn(program, args, { ...view.spawn, env: { ...view.spawn.env, ...options.env }, stdio: 'pipe' })
  let output = ''
  child.stdout.on('data', text => (output += text))
  child.stderr.on('data', text => (output += text))
  child.stdin.on('error', () => {}) // it ended before it read; its code says why
  child.stdin.end(options.input)
  return await new Promise(resolve => {
    child.on('error', error => resolve({ code: errorCode(error) ?? null, output: error.message }))
    child.on('close', code => resolve({ code, output }))
  })
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path)
  await folder.sync().finally(() => folder.close())
}
