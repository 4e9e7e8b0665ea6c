import type { Catalog, EventDefinition } from '#catalog'
import type { Clock } from '#kernel/clock.ts'
import type { UserId } from '#kernel/ids.ts'
import type { Random } from '#kernel/random.ts'
import type { Routes } from '#platform/http/server.ts'
import type { Job } from '#platform/jobs/periodic.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { EventSeats, SeatFact } from './event-seats.ts'
import { createFeed, type FeedPace } from './follow/feed.ts'
import { LoadedEvents } from './follow/loaded-events.ts'
import { availabilityRoutes } from './http.ts'
import { KeptBodies } from './publish/kept-bodies.ts'
import { type Made, PublishedEvent, type View } from './publish/published-event.ts'
import { createStreams, type StreamLimits, type Watched } from './stream/streams.ts'

export type AvailabilityOptions = {
  /** A pool on the primary, apart from the one that holds are made with. */
  db: Queryable
  catalog: Pick<Catalog, 'definitions'>
  /** A uuid: what this process puts into `outbox.origin` of the holds it makes. */
  origin: string
  clock: Clock
  random: Random
  metrics: Metrics
  logger: Logger
  streams?: Partial<StreamLimits>
  /** How often it looks what others have committed. */
  pace?: FeedPace
}

/** What this process knows of the seats of events. All of it is a hint: the database decides. */
export type Availability = {
  routes: Routes
  /**
   * The event's seats, read from the database if they are not in memory yet.
   * @throws RetryableFault when they would have to be read and the database is away
   */
  load(eventNo: number): Promise<EventSeats>
  /** The event's seats if they are in memory. Ask each time: what has been dropped is not followed any more. */
  get(eventNo: number): EventSeats | undefined
  /** What is known of other processes' commits is less than a second old; only then may memory refuse anybody. */
  fresh(): boolean
  /** The database's time as far as it is known here, milliseconds since 1970. */
  dbNow(): number
  /** What this process has just committed. The feed leaves its holds out, so they must come this way. */
  applyOwn(eventNo: number, userId: UserId, facts: readonly SeatFact[]): void
  markUser(eventNo: number, userId: UserId): void
  /** Reads the event's tables again, soon: for a commit of ours of which we do not know what it did. Never fails. */
  reload(eventNo: number): void
  /** Without them holds that run out are not shown as available, and memory grows. */
  jobs: readonly Job[]
  /** Begins to follow what all processes commit; until then `fresh` is false. */
  start(): void
  stop(): Promise<void>
}

export function createAvailability(options: AvailabilityOptions): Availability {
  const { db, clock, random, metrics, logger } = options
  const { definitions } = options.catalog
  const loaded = new LoadedEvents({ db, definitions, clock, logger })
  const feed = createFeed({ ...options, loaded, onEventChanged: refreshDefinition })
  const published = new WeakMap<EventSeats, PublishedEvent>()
  const keptSections = new KeptBodies<Made>()
  const limits = { most: 10_000, perAddress: 500, ...options.streams }
  const streams = createStreams({ find, dbNow: feed.dbNow, clock, random, metrics, limits })

  metrics.gauge('holdfast_events_in_memory', 'Events whose seats are in memory.', [], gauge => gauge.set(loaded.size))

  function watched(seats: EventSeats): Watched {
    const known = published.get(seats)
    if (known !== undefined) return { seats, published: known }
    const made = new PublishedEvent(seats, random.bytes(6).toString('base64url'), keptSections)
    published.set(seats, made)
    return { seats, published: made }
  }

  function find(eventNo: number): Watched | undefined {
    const seats = loaded.get(eventNo)
    return seats && watched(seats)
  }

  function view(definition: EventDefinition): View {
    return { definition, now: clock.monotonic(), databaseNow: feed.dbNow(), asOf: feed.asOf() }
  }

  function refreshDefinition(eventNo: number): void {
    if (loaded.get(eventNo) === undefined) return
    definitions.refresh(eventNo).catch(error => {
      // It looks for itself every second.
      logger.warn({ event_no: eventNo, err: error.message }, 'a changed event could not be read')
    })
  }

  const jobs: Job[] = [
    {
      name: 'lapse-holds',
      everyMs: 1000,
      async run() {
        for (const seats of loaded.all()) {
          seats.lapse(feed.dbNow())
          seats.recent.mark(clock.monotonic())
        }
        loaded.retryReloads()
        return 'dry'
      },
    },
    {
      name: 'drop-unused-events',
      everyMs: 60_000,
      async run() {
        const dropped = await loaded.dropUnused(feed.dbNow())
        if (dropped.length > 0) logger.debug({ event_nos: dropped }, 'seats of unused events left memory')
        return 'dry'
      },
    },
  ]

  return {
    routes: availabilityRoutes({
      definitions,
      watch: eventNo => find(eventNo) ?? loaded.load(eventNo).then(watched),
      view,
      streams,
    }),
    load: eventNo => loaded.load(eventNo),
    get: eventNo => loaded.get(eventNo),
    fresh: feed.fresh,
    dbNow: feed.dbNow,
    applyOwn(eventNo, userId, facts) {
      loaded.addUser(eventNo, userId)
      loaded.apply(eventNo, facts)
    },
    markUser: (eventNo, userId) => loaded.addUser(eventNo, userId),
    reload: eventNo => loaded.reload(eventNo),
    jobs,
    start: feed.start,
    async stop() {
      streams.close()
      await feed.stop()
    },
  }
}
