import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Manifest } from './manifest.ts'

/** How far the archive leads from a base backup. */
export type WalChain = {
  /** The history that ends latest among those that go through this backup. */
  timeline: number
  segments: string[]
  missing: string[]
}

const segmentsPerLog = 0x100
const segmentPattern = /^([0-9A-F]{24})\.gz$/
const segmentBytes = 16 * 2 ** 20

/**
 * The segments from the start of a backup to the newest in the archive. A promotion or a restore begins a timeline; its history file
 * says where it left the one before, so the chain goes over from one to the next there.
 */
export async function walChain(wal: string, manifest: Manifest): Promise<WalChain> {
  const names = await readdir(wal)
  const there = new Set(names.flatMap(name => segmentPattern.exec(name)?.[1] ?? []))
  const way = await wayOf(wal, names, manifest)
  const timeline = way.at(-1)!.timeline
  const newest = [...there]
    .filter(name => timelineOf(name) === timeline)
    .sort()
    .at(-1)
  const segments: string[] = []
  const missing: string[] = []
  let at = numberOf(manifest.startSegment)
  for (const [i, part] of way.entries()) {
    // The segment in which a timeline ends is the first one of the next.
    const isLast = i === way.length - 1
    const end = isLast
      ? Math.max(
          newest === undefined ? -1 : numberOf(newest),
          timeline === manifest.timeline ? numberOf(manifest.stopSegment) : -1,
        )
      : part.until - 1
    for (; at <= end; at++) {
      const name = nameOf(part.timeline, at)
      ;(there.has(name) ? segments : missing).push(name)
    }
  }
  return { timeline, segments, missing }
}

/** Reads each segment whole: gzip has a sum of its own. Names of those that are damaged. */
export async function damagedSegments(wal: string, segments: readonly string[]): Promise<string[]> {
  const damaged: string[] = []
  for (const name of segments) {
    try {
      if (gunzipSync(await readFile(join(wal, `${name}.gz`))).length !== segmentBytes) damaged.push(name)
    } catch {
      damaged.push(name)
    }
  }
  return damaged
}

type Part = { timeline: number; until: number }

async function wayOf(wal: string, names: readonly string[], manifest: Manifest): Promise<Part[]> {
  const timelines = names.flatMap(name => /^([0-9A-F]{8})\.history\.gz$/.exec(name)?.[1] ?? []).sort()
  for (const name of timelines.toReversed()) {
    const timeline = Number.parseInt(name, 16)
    if (timeline <= manifest.timeline) break
    const text = gunzipSync(await readFile(join(wal, `${name}.history.gz`))).toString()
    const parents = text
      .split('\n')
      .map(line => /^(\d+)\s+([0-9A-F]+\/[0-9A-F]+)/.exec(line))
      .filter(line => line !== null)
      .map(([, id, lsn]) => ({ timeline: Number(id), lsn: lsnOf(lsn!) }))
    const own = parents.findIndex(parent => parent.timeline === manifest.timeline)
    // Another restore may have left this history before the backup was made.
    if (own === -1 || parents[own]!.lsn < lsnOf(manifest.stopLsn)) continue
    const until = (lsn: bigint) => Number(lsn / BigInt(segmentBytes))
    return [
      ...parents.slice(own).map(parent => ({ timeline: parent.timeline, until: until(parent.lsn) })),
      { timeline, until: Number.POSITIVE_INFINITY },
    ]
  }
  return [{ timeline: manifest.timeline, until: Number.POSITIVE_INFINITY }]
}

function lsnOf(text: string): bigint {
  const [high, low] = text.split('/')
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

function timelineOf(segment: string): number {
  return Number.parseInt(segment.slice(0, 8), 16)
}

/** Segments counted from the beginning of the log, on whichever timeline. */
export function numberOf(segment: string): number {
  return Number.parseInt(segment.slice(8, 16), 16) * segmentsPerLog + Number.parseInt(segment.slice(16), 16)
}

function nameOf(timeline: number, number: number): string {
  const hex = (value: number) => value.toString(16).toUpperCase().padStart(8, '0')
  return hex(timeline) + hex(Math.floor(number / segmentsPerLog)) + hex(number % segmentsPerLog)
}
