import { createHash } from 'node:crypto'
import { chown, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemRandom } from '#kernel/random.ts'
import { EmbeddedPostgresFault, errorCode } from './faults.ts'

/** Where everything of one embedded server lies. All real paths. */
export type Folders = {
  /** `<HOLDFAST_DATA>/pg`, ours. */
  root: string
  /** PostgreSQL's data directory; belongs to the account of the server. */
  cluster: string
  lock: string
  users: string
  /** What the server said before its own log began. */
  startLog: string
  passwordFile: string
  /** In the titles of the server's processes; tells clusters apart. */
  clusterName: string
}

export async function prepareFolders(dataDir: string): Promise<Folders> {
  try {
    await mkdir(dataDir, { recursive: true })
    const root = await realpath(dataDir)
    const keys = join(dirname(root), 'keys')
    const folders: Folders = {
      root,
      cluster: join(root, 'cluster'),
      lock: join(root, 'lock'),
      users: join(root, 'users'),
      startLog: join(root, 'start.log'),
      passwordFile: join(keys, 'postgres-password'),
      clusterName: `holdfast-${createHash('sha256').update(root).digest('hex').slice(0, 8)}`,
    }
    await mkdir(folders.users, { recursive: true })
    await mkdir(keys, { recursive: true, mode: 0o700 })
    for (const path of [folders.lock, folders.startLog]) await writeFile(path, '', { flag: 'a', mode: 0o600 })
    for (const path of [root, keys, folders.users, folders.lock, folders.startLog])
      await giveToOwner(path, dirname(root))
    return folders
  } catch (cause) {
    const code = errorCode(cause)
    if (code === undefined || !['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ENOSPC'].includes(code)) throw cause
    throw new EmbeddedPostgresFault(
      'folder-not-usable',
      `The data folder ${dataDir} cannot be written by this user (${code}). Choose another with HOLDFAST_DATA, or change its owner.`,
      { cause },
    )
  }
}

/** The superuser's password, or null when there is none yet. Who can read this file owns the database. */
export async function readPassword(folders: Folders): Promise<string | null> {
  const text = await readFile(folders.passwordFile, 'utf8').catch(error => {
    if (errorCode(error) === 'ENOENT') return ''
    throw error
  })
  return text.trim() === '' ? null : text.trim()
}

/** Call under the folder's lock. */
export async function readOrMakePassword(folders: Folders): Promise<{ password: string; made: boolean }> {
  const existing = await readPassword(folders)
  if (existing !== null) return { password: existing, made: false }
  const password = systemRandom().bytes(24).toString('base64url')
  // Moved into place when complete: a crash leaves no half of a password.
  const unfinished = `${folders.passwordFile}.new`
  await rm(unfinished, { force: true })
  await writeFile(unfinished, `${password}\n`, { mode: 0o600, flag: 'wx', flush: true })
  await giveToOwner(unfinished, dirname(folders.root))
  await rename(unfinished, folders.passwordFile)
  return { password, made: true }
}

/** When root starts the server of an ordinary user's folder, that user can still start it the next time. */
async function giveToOwner(path: string, parent: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const [owner, own] = [await stat(parent), await stat(path)]
  if (own.uid === 0 && owner.uid !== 0) await chown(path, owner.uid, owner.gid)
}

export async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null
}
