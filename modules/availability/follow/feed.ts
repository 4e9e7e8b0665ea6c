import type { Clock } from '#kernel/clock.ts'
import { fromUuid } from '#kernel/ids.ts'
import { type Cursor, cursorNow } from '#platform/messages/snapshot-cursor.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { SeatFact, SeatStatus } from '../event-seats.ts'
import { DatabaseTime } from './database-time.ts'
import type { LoadedEvents } from './loaded-events.ts'
import { type ChangeRow, readChanges, readSurroundings } from './seat-changes.sql.ts'

export type FeedDeps = {
  /** The primary. */
  db: Queryable
  /** Of the messages that this process writes: a uuid. */
  origin: string
  loaded: LoadedEvents
  /** The definition of an event in memory is another now. */
  onEventChanged: (eventNo: number) => void
  clock: Clock
  logger: Logger
  metrics: Metrics
  pace?: FeedPace
}

/** How often it looks, milliseconds. */
export type FeedPace = {
  pollMs: number
  /** While others change seats: what they free should soon be offered here. */
  busyPollMs: number
  surroundingsMs: number
}

export type Feed = {
  /** What is known here is less than a second old, so that memory may refuse. */
  fresh(): boolean
  /** Everything committed before is known: database time, milliseconds since 1970. Stands still while the database is away. */
  asOf(): number
  /** The database's time now, milliseconds since 1970; our own clock's before the first poll. */
  dbNow(): number
  start(): void
  stop(): Promise<void>
}

const usualPace: FeedPace = { pollMs: 100, busyPollMs: 40, surroundingsMs: 250 }
const retryMs = 250
const freshMs = 1000

/** What a message says of the seats it names. */
const statusAfter: Record<string, SeatStatus> = {
  ReservationCreated: 'held',
  ReservationExtended: 'held',
  ReservationExpired: 'available',
  ReservationCancelled: 'available',
  SeatsReserved: 'reserved',
  SeatsSold: 'sold',
  SeatsSetAside: 'blocked',
  SeatsReleased: 'available',
}

/**
 * Follows what all processes commit: polls, because a notification per hold would cost every process more than it saves, and
 * none is needed to be 100 ms behind.
 *
 *   lost ──(cursor taken, all events read again)──> following ──(a poll fails, or it is another database)──> lost
 *
 * Why a failed poll is enough to start over: a server that crashed may give the ids of transactions that left no trace to new
 * ones, and the old cursor would pass them by. That is rare, and reading 50 sold-out arenas again takes a few seconds.
 */
export function createFeed(deps: FeedDeps): Feed {
  const { db, origin, loaded, onEventChanged, clock, logger, metrics } = deps
  const { pollMs, busyPollMs, surroundingsMs } = deps.pace ?? usualPace
  const time = new DatabaseTime()
  const stopping = new AbortController()
  let cursor: Cursor | null = null
  let lineage: string | null = null
  let knownUntil = Number.NEGATIVE_INFINITY
  let lookedAt = Number.NEGATIVE_INFINITY
  let failures = 0
  let loop: Promise<void> = Promise.resolve()

  const changes = metrics.counter('holdfast_feed_changes_total', 'Seat changes learned from other processes.')
  const restarts = metrics.counter('holdfast_feed_restarts_total', 'Times the feed read all events again.')
  const delay = metrics.histogram(
    'holdfast_feed_delay_seconds',
    'Age of the oldest change of a poll when it was learned; begins with its transaction.',
    [0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  )
  metrics.gauge('holdfast_feed_lag_seconds', 'How old what is known of other processes may be.', [], gauge =>
    gauge.set((clock.monotonic() - knownUntil) / 1000),
  )
  metrics.gauge(
    'holdfast_database_clock_error_seconds',
    'Bound on the error of the estimated database time.',
    [],
    gauge => gauge.set(time.isKnown ? time.errorMs(clock.monotonic()) / 1000 : Number.NaN),
  )

  async function follow(): Promise<void> {
    while (!stopping.signal.aborted) {
      let pauseMs = retryMs
      try {
        pauseMs = await poll()
        if (failures > 0) logger.info({ failures }, 'the change feed follows again')
        failures = 0
      } catch (error) {
        // Whatever it is: `fresh` becomes false, nothing is refused from memory, and we start over.
        cursor = null
        if (failures++ % 20 === 0)
          logger.warn({ err: (error as Error).message, failures }, 'the change feed lost its place')
      }
      await clock.sleep(pauseMs, stopping.signal).catch(() => {}) // aborted: the loop ends
    }
  }

  /** One step; returns how long to wait before the next. */
  async function poll(): Promise<number> {
    if (clock.monotonic() - lookedAt >= surroundingsMs) await look()
    if (cursor === null) {
      const next = await cursorNow(db)
      restarts.inc()
      await loaded.reloadAll()
      cursor = next
    }
    const askedAt = clock.monotonic()
    const read = await readChanges(db, cursor, origin)
    cursor = read.cursor
    take(read.rows)
    if (!read.caughtUp) return 0
    knownUntil = askedAt
    return read.rows.length > 0 ? busyPollMs : pollMs
  }

  async function look(): Promise<void> {
    const withAreas: number[] = []
    for (const { eventNo, map } of loaded.all()) if (map.areas.length > 0) withAreas.push(eventNo)
    const askedAt = clock.monotonic()
    const surroundings = await readSurroundings(db, withAreas)
    lookedAt = clock.monotonic()
    time.learn(askedAt, lookedAt, surroundings.now)
    if (surroundings.lineage !== lineage) cursor = null
    lineage = surroundings.lineage
    for (const { eventNo, ...area } of surroundings.areas) loaded.applyArea(eventNo, area)
  }

  function take(rows: readonly ChangeRow[]): void {
    let oldest = Number.POSITIVE_INFINITY
    for (const row of rows) {
      if (row.type === 'EventChanged') onEventChanged(row.event_no)
      if (row.user_id !== null) loaded.addUser(row.event_no, fromUuid('usr', row.user_id))
      oldest = Math.min(oldest, row.occurred_at)
      if (row.seat_nos === null || row.seat_nos === '') continue
      const facts = factsOf(row)
      if (facts === null) loaded.reload(row.event_no)
      else loaded.apply(row.event_no, facts)
      changes.inc(facts?.length ?? 0)
    }
    if (rows.length > 0) delay.observe(Math.max(0, time.at(clock.monotonic()) - oldest) / 1000)
  }

  function dbNow(): number {
    return time.isKnown ? time.at(clock.monotonic()) : clock.now()
  }

  return {
    fresh: () => cursor !== null && clock.monotonic() - knownUntil < freshMs,
    asOf: () => (knownUntil > Number.NEGATIVE_INFINITY ? time.at(knownUntil) : dbNow()),
    dbNow,
    start() {
      loop = follow()
    },
    async stop() {
      stopping.abort()
      await loop
    },
  }
}

/** Null for a message that this version does not know: during an upgrade others may write what we cannot read. */
function factsOf({ type, seat_nos, seat_generations, held_until }: ChangeRow): SeatFact[] | null {
  const status = statusAfter[type]
  if (status === undefined) return null
  const generations = seat_generations!.split(',')
  const heldUntil = status === 'held' ? held_until! : 0
  return seat_nos!.split(',').map((seatNo, i) => {
    return { seatNo: Number(seatNo), generation: Number(generations[i]), status, heldUntil }
  })
}
