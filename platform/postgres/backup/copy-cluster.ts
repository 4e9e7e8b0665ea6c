import { createHash } from 'node:crypto'
import { chown, mkdir, open, readdir, readlink, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Account } from '../embedded/account.ts'
import { EmbeddedPostgresFault, errorCode } from '../embedded/faults.ts'

export type CopiedFile = { path: string; size: number; sha256: string }
export type Progress = (line: string) => void

/** Their folders are needed, what is in them belongs to the running server (PostgreSQL's documentation, "Making a Base Backup"). */
const emptied = new Set([
  'pg_wal',
  'pg_wal/archive_status',
  'pg_wal/summaries',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
])
const leftOut =
  /^(log|postmaster\.(pid|opts)|current_logfiles|backup_label|tablespace_map|(recovery|standby)\.signal|.*pgsql_tmp.*|.*pg_internal\.init.*)$/

const chunkBytes = 1 << 20
const tellEveryBytes = 256 << 20

/**
 * Copies the files of a cluster, which may be running: a page that is written while it is copied is whole again after the log that
 * comes with the copy was replayed, and a file that goes away meanwhile is not missed.
 */
export async function copyCluster(
  from: string,
  to: string,
  options: { account: Account | null; progress: Progress; expected?: ReadonlyMap<string, CopiedFile> },
): Promise<CopiedFile[]> {
  const { account, progress, expected } = options
  const files: CopiedFile[] = []
  let bytes = 0
  let toldAt = 0
  await makeFolder(to)
  await copyFolder('')
  return files

  async function copyFolder(folder: string): Promise<void> {
    for (const entry of await readdir(join(from, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (leftOut.test(path) || leftOut.test(entry.name)) continue
      if (entry.isDirectory()) {
        await makeFolder(join(to, path))
        await copyFolder(path)
      } else if (entry.isSymbolicLink()) {
        if (path.startsWith('pg_tblspc/') || path === 'pg_wal')
          throw new EmbeddedPostgresFault(
            'folder-not-usable',
            `${join(from, path)} leads out of the cluster, to ${await readlink(join(from, path))}. Back this database up with pg_basebackup.`,
          )
        await symlink(await readlink(join(from, path)), join(to, path))
      } else if (entry.isFile() && !emptied.has(folder)) {
        const copied = await copyFile(path)
        if (copied === null) continue
        check(copied)
        files.push(copied)
        bytes += copied.size
        if (bytes - toldAt < tellEveryBytes) continue
        toldAt = bytes
        progress(`${Math.round(bytes / 2 ** 20)} MB copied`)
      }
    }
  }

  async function copyFile(path: string): Promise<CopiedFile | null> {
    const source = await open(join(from, path)).catch(error => {
      if (errorCode(error) === 'ENOENT') return null
      throw error
    })
    if (source === null) return null
    const target = await open(join(to, path), 'wx', 0o600)
    try {
      const hash = createHash('sha256')
      const buffer = Buffer.allocUnsafe(chunkBytes)
      let size = 0
      for (;;) {
        const { bytesRead } = await source.read(buffer, 0, chunkBytes, null)
        if (bytesRead === 0) break
        const chunk = buffer.subarray(0, bytesRead)
        hash.update(chunk)
        await target.writeFile(chunk)
        size += bytesRead
      }
      await target.sync()
      if (account !== null) await target.chown(account.uid, account.gid)
      return { path, size, sha256: hash.digest('hex') }
    } finally {
      await source.close()
      await target.close()
    }
  }

  function check(copied: CopiedFile): void {
    if (expected === undefined) return
    const known = expected.get(copied.path)
    if (known?.size === copied.size && known.sha256 === copied.sha256) return
    throw new EmbeddedPostgresFault(
      'not-startable',
      `${join(from, copied.path)} is not what the backup's manifest says: it is damaged. Use another backup (--backup).`,
    )
  }

  async function makeFolder(path: string): Promise<void> {
    await mkdir(path, { mode: 0o700 })
    if (account !== null) await chown(path, account.uid, account.gid)
  }
}

/** Writes a small file so that it is there after a crash. */
export async function writeDurably(path: string, text: string, account: Account | null = null): Promise<void> {
  const file = await open(path, 'w', 0o600)
  await file.writeFile(text)
  await file.sync()
  if (account !== null) await file.chown(account.uid, account.gid)
  await file.close()
  const folder = await open(dirname(path))
  await folder.sync().finally(() => folder.close())
}
