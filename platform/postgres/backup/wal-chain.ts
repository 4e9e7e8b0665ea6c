import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { EmbeddedPostgresFault } from '../embedded/faults.ts'
import type { Manifest } from './manifest.ts'

/** How far the archive leads from a base backup. */
export type WalChain = {
  timeline: number
  segments: string[]
  missing: string[]
  /** The last segment before the first that is missing; null where already the first is. */
  reaches: string | null
}

/** Which history of the database, where there is more than one. */
export type Wish = {
  /** A moment, in milliseconds since 1970: the history in which the box office was then. Null: to the end. */
  to?: number | null
  /** A history by its number. */
  timeline?: number | null
}

const segmentsPerLog = 0x100
const segmentPattern = /^([0-9A-F]{24})\.gz$/
const segmentBytes = 16 * 2 ** 20

/**
 * The segments from the start of a backup to the newest in the archive. A promotion or a restore begins a timeline; its history file
 * says where it left the one before, so the chain goes over from one to the next there.
 */
export async function walChain(wal: string, manifest: Manifest, wish: Wish = {}): Promise<WalChain> {
  const names = await readdir(wal)
  const there = new Set(names.flatMap(name => segmentPattern.exec(name)?.[1] ?? []))
  const { timeline, parts } = chooseHistory(await historiesOf(wal, names, manifest), wish)
  const newest = [...there]
    .filter(name => timelineOf(name) === timeline)
    .sort()
    .at(-1)
  const segments: string[] = []
  const missing: string[] = []
  let reaches: string | null = null
  let at = numberOf(manifest.startSegment)
  for (const part of [...parts, { timeline, until: Number.POSITIVE_INFINITY }]) {
    // The segment in which a timeline ends is the first one of the next.
    const end = Number.isFinite(part.until)
      ? part.until - 1
      : Math.max(
          newest === undefined ? -1 : numberOf(newest),
          timeline === manifest.timeline ? numberOf(manifest.stopSegment) : -1,
        )
    for (; at <= end; at++) {
      const name = nameOf(part.timeline, at)
      ;(there.has(name) ? segments : missing).push(name)
      if (missing.length === 0) reaches = name
    }
  }
  return { timeline, segments, missing, reaches }
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

/** A timeline, and the way to it from the one of a backup. */
type History = {
  timeline: number
  begunAt: number
  /** The timelines before, the segment in which each was left, and what was given up there: the time of the first commit of it. */
  parts: readonly { timeline: number; until: number; givenUpFrom: number | null; leftAt: number }[]
}

/** Those that go through this backup, the newest first; the backup's own is the last. */
async function historiesOf(wal: string, names: readonly string[], manifest: Manifest): Promise<History[]> {
  const own = { timeline: manifest.timeline, begunAt: Number.NEGATIVE_INFINITY, parts: [] }
  const ids = names.flatMap(name => /^([0-9A-F]{8})\.history\.gz$/.exec(name)?.[1] ?? []).sort()
  const begunAt = async (timeline: number) =>
    (await stat(join(wal, `${hex(timeline)}.history.gz`)).catch(() => null))?.mtimeMs ?? Number.NEGATIVE_INFINITY
  const others: History[] = []
  for (const id of ids.toReversed()) {
    const timeline = Number.parseInt(id, 16)
    if (timeline <= manifest.timeline) break
    const text = gunzipSync(await readFile(join(wal, `${id}.history.gz`))).toString()
    const parents = text
      .split('\n')
      .map(line => /^(\d+)\s+([0-9A-F]+\/[0-9A-F]+)\s+(.*)/.exec(line))
      .filter(line => line !== null)
      .map(([, id, lsn, reason]) => ({ timeline: Number(id), lsn: lsnOf(lsn!), givenUpFrom: timeIn(reason!) }))
    const first = parents.findIndex(parent => parent.timeline === manifest.timeline)
    // Another restore may have left this history before the backup was made.
    if (first === -1 || parents[first]!.lsn < lsnOf(manifest.stopLsn)) continue
    const way = parents.slice(first)
    const parts = way.map(async ({ timeline: left, lsn, givenUpFrom }, i) => ({
      timeline: left,
      until: Number(lsn / BigInt(segmentBytes)),
      givenUpFrom,
      leftAt: await begunAt(way[i + 1]?.timeline ?? timeline),
    }))
    others.push({ timeline, begunAt: await begunAt(timeline), parts: await Promise.all(parts) })
  }
  return [...others, own]
}

/**
 * A restore to a moment gives up what came after it, until the restore itself. Whoever asks for a moment in between means what was given
 * up; for any other, the newest history has it.
 *
 * @throws EmbeddedPostgresFault when the archive has no such history from this backup on
 */
function chooseHistory(histories: readonly History[], { to = null, timeline = null }: Wish): History {
  if (timeline !== null) {
    const named = histories.find(history => history.timeline === timeline)
    if (named !== undefined) return named
    const known = histories.map(({ timeline, begunAt }) =>
      Number.isFinite(begunAt) ? `${timeline} (since ${new Date(begunAt).toISOString()})` : `${timeline}`,
    )
    throw new EmbeddedPostgresFault(
      'folder-not-usable',
      `From this backup no history ${timeline} goes on. There are ${known.join(', ')}.`,
    )
  }
  if (to === null) return histories[0]!
  return histories.find(
    ({ parts }) => !parts.some(({ givenUpFrom, leftAt }) => givenUpFrom !== null && givenUpFrom <= to && to < leftAt),
  )!
}

/** Of a reason in a history file, such as `before 2026-11-27 11:00:00.5+00`; null where nothing was given up. */
function timeIn(reason: string): number | null {
  const [, date, time] = /^before (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)\+00$/.exec(reason) ?? []
  return date === undefined ? null : Date.parse(`${date}T${time}Z`)
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
  return hex(timeline) + hex(Math.floor(number / segmentsPerLog)) + hex(number % segmentsPerLog)
}

function hex(value: number): string {
  return value.toString(16).toUpperCase().padStart(8, '0')
}
