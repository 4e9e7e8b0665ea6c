import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '#kernel/clock.ts'
import type { Random } from '#kernel/random.ts'
import { type EventStream, heartbeat, openEventStream } from '#platform/http/event-stream.ts'
import { sendProblem } from '#platform/http/problem.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { EventSeats } from '../event-seats.ts'
import type { PublishedEvent } from '../publish/published-event.ts'
import { deltaFrame, deltaSince, resyncFrame } from './delta.ts'

export type StreamLimits = {
  /** Streams of one process; each takes some 20 KB. */
  most: number
  /** Streams of one address. Households, offices and phone networks share one. */
  perAddress: number
}

export type Watched = { seats: EventSeats; published: PublishedEvent }

export type StreamsDeps = {
  /** The event as it is in memory; looking counts as using it. */
  find: (eventNo: number) => Watched | undefined
  dbNow: () => number
  clock: Clock
  random: Random
  metrics: Metrics
  limits: StreamLimits
}

export type Streams = {
  open(request: FastifyRequest, reply: FastifyReply, eventNo: number, lastEventId: string | undefined): void
  /** Ends all streams: the server stops. */
  close(): void
}

const tellMs = 250
const heartbeatMs = 15_000
/** Between two calls to fetch the snapshot: all viewers follow them at once. */
const resyncMs = 2000
/** A reader that takes nothing for so long is gone. */
const behindMsMax = 30_000
/**
 * After a resync, what changed in this time is told as well: the snapshot that the reader fetches may be a second old here,
 * a second in a cache, and come from another process that is a little behind. Changes are states, so twice does no harm.
 */
const overlapMs = 3000
/** What the two heads of fetching a snapshot take, when it is weighed against a delta. */
const fetchBytes = 1000
/** A write is a system call: after so many, some 2 ms, others get their turn. */
const writesATurn = 200

type Viewer = {
  stream: EventStream
  /** What the viewer was last told. */
  version: number
  resyncedAt: number
  wroteAt: number
  takesSince: number
}

/** From one version to another; null when fetching the snapshot costs less, or is the only way. */
type Frame = { delta: Buffer | null; version: number }

/**
 * Live changes for the people who look at a seat map. A viewer is a place in the event's recent changes, not a queue: who is
 * slow is told fewer and larger deltas, and costs no memory. Viewers at the same place, which is nearly all, get the same
 * bytes. When fetching the snapshot is cheaper than the delta, the stream is only the doorbell.
 */
export function createStreams({ find, dbNow, clock, random, metrics, limits }: StreamsDeps): Streams {
  const audiences = new Map<number, Set<Viewer>>()
  const byAddress = new Map<string, number>()
  let count = 0
  let isTelling = false
  let isClosing = false

  metrics.gauge('holdfast_streams', 'Open streams of availability.', [], gauge => gauge.set(count))
  const told = metrics.counter('holdfast_stream_events_total', 'Events sent to viewers.', ['event'])
  const refused = metrics.counter('holdfast_streams_refused_total', 'Streams not opened.', ['reason'])

  function open(request: FastifyRequest, reply: FastifyReply, eventNo: number, lastEventId: string | undefined): void {
    const { ip } = request
    const retryAfterSeconds = 5 + Math.floor(random.fraction() * 10)
    if (count >= limits.most || isClosing) {
      refused.inc({ reason: 'full' })
      sendProblem(request, reply, 'overloaded', { retryAfterSeconds })
      return
    }
    if ((byAddress.get(ip) ?? 0) >= limits.perAddress) {
      refused.inc({ reason: 'address' })
      sendProblem(request, reply, 'rate-limited', { retryAfterSeconds })
      return
    }
    const watched = find(eventNo)!
    const audience = audiences.get(eventNo) ?? new Set<Viewer>()
    audiences.set(eventNo, audience)
    const now = clock.monotonic()
    const stream = openEventStream(reply, () => leave(eventNo, viewer, ip))
    const viewer: Viewer = { stream, version: 0, resyncedAt: now, wroteAt: now, takesSince: now }
    audience.add(viewer)
    byAddress.set(ip, (byAddress.get(ip) ?? 0) + 1)
    count++
    // Each waits another time before it connects again, so that a restart is not followed by all of them at once.
    stream.write(`retry: ${1000 + Math.floor(random.fraction() * 4000)}\n\n`)
    const resumed = lastEventId === undefined ? null : watched.published.versionOf(lastEventId)
    if (resumed !== null && watched.seats.recent.since(resumed) !== null) viewer.version = resumed
    else ringDoorbell(viewer, watched, now)
    if (!isTelling) void tellWhileWatched()
  }

  function leave(eventNo: number, viewer: Viewer, ip: string): void {
    count--
    const left = byAddress.get(ip)! - 1
    if (left === 0) byAddress.delete(ip)
    else byAddress.set(ip, left)
    const audience = audiences.get(eventNo)
    audience?.delete(viewer)
    if (audience?.size === 0) audiences.delete(eventNo)
  }

  async function tellWhileWatched(): Promise<void> {
    isTelling = true
    while (count > 0) {
      await clock.sleep(tellMs)
      for (const [eventNo, audience] of audiences) {
        const watched = find(eventNo)
        if (watched === undefined) for (const viewer of audience) viewer.stream.close()
        else await tellAudience(audience, watched)
      }
    }
    isTelling = false
  }

  async function tellAudience(audience: Set<Viewer>, watched: Watched): Promise<void> {
    const now = clock.monotonic()
    const frames = new Map<number, Frame>()
    const frameSince = (version: number): Frame => {
      const known = frames.get(version)
      if (known !== undefined) return known
      const frame = frameFor(watched, version, now)
      frames.set(version, frame)
      return frame
    }
    let writes = 0
    for (const viewer of audience) {
      if (viewer.stream.isBehind) {
        if (now - viewer.takesSince > behindMsMax) viewer.stream.destroy()
        continue
      }
      viewer.takesSince = now
      if (viewer.version === watched.seats.version) {
        if (now - viewer.wroteAt < heartbeatMs) continue
        write(viewer, heartbeat, now)
      } else {
        const { delta, version } = frameSince(viewer.version)
        if (delta !== null) {
          told.inc({ event: 'delta' })
          write(viewer, delta, now)
          viewer.version = version
        } else if (now - viewer.resyncedAt >= resyncMs) ringDoorbell(viewer, watched, now)
        else continue
      }
      if (++writes % writesATurn === 0) await new Promise(resolve => setImmediate(resolve))
    }
  }

  function frameFor({ seats, published }: Watched, since: number, now: number): Frame {
    const { version } = seats
    const delta = deltaSince(seats, published, since)
    if (delta === null) return { delta, version }
    const frame = deltaFrame(delta)
    if (frame.length <= fetchBytes) return { delta: frame, version }
    const snapshot = published.snapshot({ now, databaseNow: dbNow() }).encoded('gzip')
    return { delta: frame.length <= snapshot.length + fetchBytes ? frame : null, version }
  }

  function ringDoorbell(viewer: Viewer, { seats, published }: Watched, now: number): void {
    viewer.version = seats.recent.versionAt(now - overlapMs)
    viewer.resyncedAt = now
    told.inc({ event: 'resync' })
    write(viewer, resyncFrame(published.versionName(viewer.version)), now)
  }

  function write(viewer: Viewer, frame: Buffer, now: number): void {
    viewer.stream.write(frame)
    viewer.wroteAt = now
  }

  return {
    open,
    close() {
      isClosing = true
      for (const audience of audiences.values()) for (const viewer of audience) viewer.stream.close()
    },
  }
}
