import { chmod, chown, copyFile, mkdir, realpath, rename, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Account, canReach } from '../embedded/account.ts'
import { EmbeddedPostgresFault, errorCode } from '../embedded/faults.ts'

/** `base/` has the copies of the cluster, `wal/` what happened since. */
export type BackupFolders = { root: string; base: string; wal: string }

const script = fileURLToPath(new URL('./carry-segment.ts', import.meta.url))

/** The folders of backups; `wal` belongs to the account of the server, which writes there by itself. */
export async function prepareBackupFolders(folder: string, account: Account | null): Promise<BackupFolders> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o755 })
    const root = await realpath(folder)
    const folders = { root, base: join(root, 'base'), wal: join(root, 'wal') }
    await mkdir(folders.base, { recursive: true, mode: 0o700 })
    await mkdir(folders.wal, { recursive: true, mode: 0o700 })
    if (account !== null) await chown(folders.wal, account.uid, account.gid)
    if (await canReach(account, root)) return folders
    throw new EmbeddedPostgresFault(
      'folder-not-usable',
      `The account that PostgreSQL runs as (uid ${account?.uid}) cannot enter ${root}. Choose another HOLDFAST_BACKUP_DIR.`,
    )
  } catch (cause) {
    if (!['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ENOSPC'].includes(errorCode(cause) ?? '')) throw cause
    throw new EmbeddedPostgresFault(
      'folder-not-usable',
      `The backup folder ${folder} cannot be written by this user (${errorCode(cause)}). Choose another HOLDFAST_BACKUP_DIR.`,
      { cause },
    )
  }
}

/** A quiet shop loses at most so many seconds with its machine; segments are compressed, and an idle one to 16 kB. */
const archiveTimeoutSeconds = 30

export async function archiveSettings(
  folders: BackupFolders,
  account: Account | null,
): Promise<Record<string, string>> {
  return {
    archive_mode: 'on',
    archive_timeout: `${archiveTimeoutSeconds}s`,
    archive_command: `${await carrier(folders, account)} put "%p" ${quoted(folders.wal)}/"%f".gz`,
  }
}

/** Whether a server with this `archive_command` brings its log into these folders. */
export function archivesInto(folders: BackupFolders, command: string): boolean {
  return command.includes(quoted(folders.wal))
}

export async function restoreCommand(folders: BackupFolders, account: Account | null): Promise<string> {
  return `${await carrier(folders, account)} get ${quoted(folders.wal)}/"%f".gz "%p"`
}

/** The program that carries segments, where the account of the server can run it. */
async function carrier(folders: BackupFolders, account: Account | null): Promise<string> {
  const program = await reachable(process.execPath, folders, account)
  return `${quoted(program)} ${quoted(await reachable(script, folders, account))}`
}

async function reachable(path: string, folders: BackupFolders, account: Account | null): Promise<string> {
  // canReach asks of folders what it asks of a program: that it may be entered or run. A script is only read.
  if (await canReach(account, path === script ? join(path, '..') : path)) return path
  const folder = join(folders.root, 'bin')
  const { size } = await stat(path)
  const copy = join(folder, `${size}-${basename(path)}`)
  await mkdir(folder, { recursive: true, mode: 0o755 })
  if ((await stat(copy).catch(() => null)) !== null) return copy
  // Under its name when it is whole: a start that was killed leaves no half of a program.
  const unfinished = `${copy}.${process.pid}.unfinished`
  await copyFile(path, unfinished)
  await chmod(unfinished, 0o755)
  await rename(unfinished, copy)
  return copy
}

/** For /bin/sh, and for PostgreSQL, which replaces what follows a percent sign. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`).replaceAll('%', '%%')}'`
}
