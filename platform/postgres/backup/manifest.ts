import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CopiedFile } from './copy-cluster.ts'

/** What a base backup is, beside its files. Times in ISO 8601, of the database's clock. */
export type Manifest = {
  format: 1
  product: string
  postgres: string
  systemIdentifier: string
  timeline: number
  startLsn: string
  stopLsn: string
  startSegment: string
  stopSegment: string
  startedAt: string
  endedAt: string
  label: string
  files: CopiedFile[]
}

export type BaseBackup = { name: string; folder: string; manifest: Manifest }

/** The manifest with a sum over itself: what vouches for all other files must not be damaged unseen. */
export function sealed(manifest: Manifest): string {
  return `${JSON.stringify({ ...manifest, sum: sumOf(manifest) })}\n`
}

function sumOf(manifest: Manifest): string {
  return createHash('sha256').update(JSON.stringify(manifest)).digest('hex')
}

/** @throws Error that names the file, when it is damaged */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, 'manifest.json')
  try {
    const { sum, ...manifest } = JSON.parse(await readFile(path, 'utf8'))
    if (sum === sumOf(manifest)) return manifest
  } catch (cause) {
    throw new Error(`${path} cannot be read: the backup is damaged. Use another one.`, { cause })
  }
  throw new Error(`${path} is not as it was written: the backup is damaged. Use another one.`)
}

/** Names of the complete base backups, the oldest first. */
export async function backupNames(base: string): Promise<string[]> {
  return (await readdir(base).catch(() => [])).filter(name => /^\d{8}T\d{6}Z$/.test(name)).sort()
}
