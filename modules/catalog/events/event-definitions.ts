import type { Clock } from '#kernel/clock.ts'
import { RetryableFault } from '#kernel/faults.ts'
import { type EventId, parseId } from '#kernel/ids.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { SeatMaps } from '../seat-map/seat-maps.ts'
import { type EventDefinition, type EventKey, loadDefinition } from './event-definition.ts'
import { type EventStatus, statusAt, untilStatusChanges } from './event-status.ts'

/** Definitions are looked over once in this time, all in one query, while anybody asks for them. */
const freshMs = 1000
/** Nobody is given a definition older than this without a look at the database, unless the database is away. */
const staleMs = 5000
const missingMs = 1000
const missingMax = 10_000
const kept = 500

/**
 * The events that this process works with, in memory. What it gives may be a second behind: nothing is sold by it, because
 * the batch that holds seats compares the event's version in the database. The change feed calls `refresh` earlier than the
 * look does; after a version mismatch, so does whoever met it.
 */
export class EventDefinitions {
  readonly #db: Queryable
  readonly #seatMaps: SeatMaps
  readonly #clock: Clock
  /** In order of last use. */
  readonly #byNo = new Map<number, EventDefinition>()
  readonly #noOf = new Map<string, number>()
  readonly #missingUntil = new Map<string, number>()
  readonly #loading = new Map<string, Promise<EventDefinition | null>>()
  #checking: Promise<void> | null = null
  #checkedAt = Number.NEGATIVE_INFINITY
  #databaseAhead = 0
  /** Counts what was forgotten: a read that began before may bring back what is no longer true. */
  #epoch = 0

  constructor(options: { db: Queryable; seatMaps: SeatMaps; clock: Clock }) {
    this.#db = options.db
    this.#seatMaps = options.seatMaps
    this.#clock = options.clock
  }

  /** The event of an id or a slug as the public knows it: no drafts. Null for what is no id, too. */
  async byId(idOrSlug: string): Promise<EventDefinition | null> {
    const definition = await this.byIdAsStaff(idOrSlug)
    return definition?.status === 'draft' ? null : definition
  }

  async byIdAsStaff(idOrSlug: string): Promise<EventDefinition | null> {
    const eventNo = this.#noOf.get(idOrSlug)
    if (eventNo !== undefined) return this.byNo(eventNo)
    const key = keyOf(idOrSlug)
    if (key === null || (this.#missingUntil.get(idOrSlug) ?? 0) > this.#clock.monotonic()) return null
    return this.#load(key)
  }

  async byNo(eventNo: number): Promise<EventDefinition | null> {
    if (!this.#byNo.has(eventNo)) return this.#load({ eventNo })
    const age = this.#clock.monotonic() - this.#checkedAt
    if (age > staleMs) await this.#look()
    // In the background: what it meets is met again, and told, by the look that is waited for.
    else if (age > freshMs) this.#look().catch(() => {})
    return this.#use(eventNo) ?? this.#load({ eventNo })
  }

  /** As `byId`, if it is in memory and fresh, without waiting: for paths on which a promise is worth avoiding. */
  cached(idOrSlug: string): EventDefinition | undefined {
    const eventNo = this.#noOf.get(idOrSlug)
    if (eventNo === undefined || this.#clock.monotonic() - this.#checkedAt > freshMs) return undefined
    const definition = this.#use(eventNo)
    return definition?.status === 'draft' ? undefined : definition
  }

  /** Forgets the event, so that whoever asks next gets what is committed: for those who changed it themselves. */
  forget(eventNo: number): void {
    this.#epoch++
    const definition = this.#byNo.get(eventNo)
    if (definition) this.#drop(definition)
    this.#missingUntil.clear()
  }

  /** Reads the event again, now. */
  async refresh(eventNo: number): Promise<EventDefinition | null> {
    // A load that is under way may have read before the change that made the caller ask.
    await this.#loading.get(`no ${eventNo}`)?.catch(() => {}) // its own caller hears of it
    return this.#load({ eventNo })
  }

  /** What the public is told, by database time. */
  statusOf(event: EventDefinition): EventStatus {
    return statusAt(event, this.databaseNow())
  }

  /** Seconds, rounded down, for which an answer that shows the status may be kept: at most `secondsMax`. */
  secondsToKeep(event: EventDefinition, secondsMax: number): number {
    const until = untilStatusChanges(event, this.databaseNow())
    return until === null ? secondsMax : Math.min(secondsMax, Math.floor(until / 1000))
  }

  /** The database's clock as far as this process knows it: milliseconds since 1970. */
  databaseNow(): number {
    return this.#clock.now() + this.#databaseAhead
  }

  #use(eventNo: number): EventDefinition | undefined {
    const definition = this.#byNo.get(eventNo)
    if (definition) {
      this.#byNo.delete(eventNo)
      this.#byNo.set(eventNo, definition)
    }
    return definition
  }

  #load(key: EventKey): Promise<EventDefinition | null> {
    const name = nameOf(key)
    const loading = this.#loading.get(name) ?? this.#read(key).finally(() => this.#loading.delete(name))
    this.#loading.set(name, loading)
    return loading
  }

  async #read(key: EventKey): Promise<EventDefinition | null> {
    const epoch = this.#epoch
    const found = await loadDefinition(this.#db, this.#seatMaps, key)
    if (epoch !== this.#epoch) return this.#read(key)
    if (!found) {
      if (!('eventNo' in key)) this.#noteMissing('slug' in key ? key.slug : key.eventId)
      return null
    }
    if (this.#byNo.size === 0) this.#checkedAt = this.#clock.monotonic()
    this.#databaseAhead = found.readAt - this.#clock.now()
    return this.#keep(found.definition)
  }

  /** Of two reads that overlap, the newer version stays. */
  #keep(read: EventDefinition): EventDefinition {
    const { eventNo } = read
    const known = this.#byNo.get(eventNo)
    const definition = known && known.version > read.version ? known : read
    if (known && known.slug !== definition.slug) this.#noOf.delete(known.slug)
    this.#byNo.delete(eventNo)
    this.#byNo.set(eventNo, definition)
    for (const name of [definition.eventId, definition.slug]) {
      this.#noOf.set(name, eventNo)
      this.#missingUntil.delete(name)
    }
    if (this.#byNo.size > kept) this.#drop(this.#byNo.values().next().value!)
    return definition
  }

  #drop({ eventNo, eventId, slug }: EventDefinition): void {
    this.#byNo.delete(eventNo)
    this.#noOf.delete(eventId)
    this.#noOf.delete(slug)
  }

  /** One look at a time. A database that is away leaves us with what we have, and nobody waits for it for a while. */
  #look(): Promise<void> {
    this.#checking ??= this.#compareVersions()
      .catch(error => {
        if (!(error instanceof RetryableFault)) throw error
        this.#checkedAt = this.#clock.monotonic() - freshMs
      })
      .finally(() => {
        this.#checking = null
      })
    return this.#checking
  }

  async #compareVersions(): Promise<void> {
    const startedAt = this.#clock.monotonic()
    const { rows } = await this.#db.query<{ event_no: number; version: number; now: number }>(
      `select e.event_no, e.version, (extract(epoch from holdfast.clock()) * 1000)::float8 as now
       from holdfast.events e
       where e.event_no = any ($1::int4[])`,
      [[...this.#byNo.keys()]],
    )
    if (rows[0]) this.#databaseAhead = rows[0].now - this.#clock.now()
    const changed = rows.filter(({ event_no, version }) => this.#byNo.get(event_no)?.version !== version)
    for (const { event_no } of changed) await this.#load({ eventNo: event_no })
    this.#checkedAt = startedAt
  }

  #noteMissing(name: string): void {
    if (this.#missingUntil.size >= missingMax) this.#missingUntil.clear()
    this.#missingUntil.set(name, this.#clock.monotonic() + missingMs)
  }
}

function keyOf(idOrSlug: string): EventKey | null {
  const eventId: EventId | null = parseId('evt', idOrSlug)
  if (eventId) return { eventId }
  return /^[a-z0-9-]{1,100}$/.test(idOrSlug) ? { slug: idOrSlug } : null
}

function nameOf(key: EventKey): string {
  return 'eventNo' in key ? `no ${key.eventNo}` : 'slug' in key ? key.slug : key.eventId
}
