import { link, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'

/**
 * What PostgreSQL runs for each segment of its log: `put <segment> <archived>` into the archive, `get <archived> <segment>` out of it.
 * It imports nothing of ours, because it may be copied to where the server's account can read it.
 *
 * A segment counts as archived when this ends with 0, and PostgreSQL may then forget it: so it is on the disk by then. It may be asked
 * for again after a crash, with the same bytes. Other bytes under the same name are another history, and are never written over it.
 */
async function put(from: string, to: string): Promise<void> {
  const bytes = await readFile(from)
  const aside = `${to}.${process.pid}.unfinished`
  try {
    await writeSafely(aside, gzipSync(bytes, { level: 1 }))
    await link(aside, to)
    await syncFolder(dirname(to))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    if (!gunzipSync(await readFile(to)).equals(bytes)) throw new Error(`${to} is there with other bytes`)
    // A machine that died after the link may not have it on its disk.
    await syncFolder(dirname(to))
  } finally {
    await rm(aside, { force: true })
  }
}

async function get(from: string, to: string): Promise<void> {
  const aside = `${to}.unfinished`
  await writeSafely(aside, gunzipSync(await readFile(from)))
  await rename(aside, to)
}

async function writeSafely(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'w', 0o600)
  await file.writeFile(bytes)
  await file.sync()
  await file.close()
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path)
  await folder.sync().finally(() => folder.close())
}

const [way, from, to] = process.argv.slice(2)
try {
  await (way === 'put' ? put : get)(from!, to!)
} catch (error) {
  // Absent segments are asked for at the end of every recovery.
  if (way === 'put' || (error as NodeJS.ErrnoException).code !== 'ENOENT') console.error((error as Error).message)
  process.exitCode = 1
}
