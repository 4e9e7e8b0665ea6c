import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Progress } from './copy-cluster.ts'
import { backupNames, type Manifest, readManifest } from './manifest.ts'
import { damagedSegments, numberOf, walChain } from './wal-chain.ts'

export type Verdict = { name: string; files: number; bytes: number; segments: number; problems: string[] }

/** Reads a base backup and the log that follows it, every byte, and says what is wrong. */
export async function verifyBackup(backupDir: string, name: string, progress: Progress): Promise<Verdict> {
  const folder = join(backupDir, 'base', name)
  const wal = join(backupDir, 'wal')
  const verdict: Verdict = { name, files: 0, bytes: 0, segments: 0, problems: [] }
  let manifest: Manifest
  try {
    manifest = await readManifest(folder)
  } catch (error) {
    return { ...verdict, problems: [(error as Error).message] }
  }
  progress(`Reading ${manifest.files.length} files of ${name}`)
  for (const file of manifest.files) {
    const path = join(folder, 'cluster', file.path)
    const sum = await sumOf(path).catch(() => null)
    if (sum === null) verdict.problems.push(`${path} is missing`)
    else if (sum !== file.sha256) verdict.problems.push(`${path} is damaged`)
    verdict.files++
    verdict.bytes += file.size
  }
  const chain = await walChain(wal, manifest)
  progress(`Reading ${chain.segments.length} segments of the log`)
  for (const missing of chain.missing) verdict.problems.push(`segment ${missing} of the log is missing in ${wal}`)
  for (const damaged of await damagedSegments(wal, chain.segments))
    verdict.problems.push(`segment ${damaged} of the log is damaged in ${wal}`)
  verdict.segments = chain.segments.length
  return verdict
}

/** Keeps the newest backups and the log since the oldest of them. */
export async function pruneBackups(backupDir: string, keep: number): Promise<{ backups: number; segments: number }> {
  const base = join(backupDir, 'base')
  const wal = join(backupDir, 'wal')
  const names = await backupNames(base)
  const dropped = names.slice(0, Math.max(0, names.length - keep))
  const kept = names.slice(dropped.length)
  if (dropped.length === 0) return { backups: 0, segments: 0 }
  const starts = await Promise.all(
    kept.map(async name => numberOf((await readManifest(join(base, name))).startSegment)),
  )
  const first = Math.min(...starts)
  for (const name of dropped) await rm(join(base, name), { recursive: true })
  let segments = 0
  for (const name of await readdir(wal)) {
    // History files are small, and say how timelines hang together.
    const segment = /^([0-9A-F]{24})(\.[0-9A-F]{8}\.backup)?\.gz$/.exec(name)?.[1]
    if (segment === undefined || numberOf(segment) >= first) continue
    await rm(join(wal, name))
    segments++
  }
  return { backups: dropped.length, segments }
}

async function sumOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
