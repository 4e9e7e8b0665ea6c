import type { Catalog } from '#catalog'
import { assert } from '#kernel/assert.ts'
import type { Clock } from '#kernel/clock.ts'
import type { UserId } from '#kernel/ids.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import { type AreaFact, EventSeats, type SeatFact } from '../event-seats.ts'
import { readStoredAreas, readStoredSeats, readStoredUsers } from './stored-event.sql.ts'

export type LoadedEventsDeps = {
  /** The primary: what a replica says may be older than the feed. */
  db: Queryable
  definitions: Pick<Catalog['definitions'], 'byNo'>
  clock: Clock
  logger: Logger
}

/** Unused for so long, an event that is over leaves memory; one that is not, only when there are too many. */
const idleMs = 10 * 60_000
const idleWhenFullMs = 60_000
/** 14 bytes each, with what is published of them some 20. */
const seatsMax = 4_000_000
const dayMs = 24 * 3_600_000
const usersATurn = 2000

type Entry = {
  readonly seats: EventSeats
  usedAt: number
  /** Read at least once, so that it may be shown. */
  isFilled: boolean
  /** To be read (again). */
  isStale: boolean
  reading: Promise<void> | null
  /** What came in while the tables were being read; null when they are not. */
  meanwhile: SeatFact[] | null
}

/**
 * The events whose seats this process has in memory.
 *
 * Nothing may fall between the tables and the feed. An event is registered *before* its tables are read: whatever a poll brings
 * from then on is kept and applied after the rows, where the generation decides which is newer. What a poll brought before,
 * and what was dropped because the event was unknown, had committed by then, so the read that begins later sees it. The other
 * order loses what commits between the read and the registration.
 */
export class LoadedEvents {
  readonly #deps: LoadedEventsDeps
  readonly #entries = new Map<number, Entry>()
  readonly #loading = new Map<number, Promise<EventSeats>>()

  constructor(deps: LoadedEventsDeps) {
    this.#deps = deps
  }

  get size(): number {
    return this.#entries.size
  }

  /** The event's seats if they are in memory. Ask each time: what has been dropped is not followed any more. */
  get(eventNo: number): EventSeats | undefined {
    const entry = this.#entries.get(eventNo)
    if (entry === undefined || !entry.isFilled) return undefined
    entry.usedAt = this.#deps.clock.monotonic()
    return entry.seats
  }

  /** @throws RetryableFault when it is not in memory and the database is away */
  async load(eventNo: number): Promise<EventSeats> {
    const known = this.get(eventNo)
    if (known !== undefined) return known
    const loading = this.#loading.get(eventNo) ?? this.#load(eventNo).finally(() => this.#loading.delete(eventNo))
    this.#loading.set(eventNo, loading)
    return loading
  }

  /** Reads the event's tables again, soon. For who cannot say what a commit has done. */
  reload(eventNo: number): void {
    const entry = this.#entries.get(eventNo)
    if (entry === undefined) return
    entry.isStale = true
    this.#refresh(entry).catch(error => {
      this.#deps.logger.warn({ event_no: eventNo, err: error.message }, 'seats could not be read again; trying later')
    })
  }

  /** What could not be read again when it was asked for. */
  retryReloads(): void {
    for (const [eventNo, entry] of this.#entries) if (entry.isStale && entry.reading === null) this.reload(eventNo)
  }

  /** Reads all events' tables again, also those that are being read. Fails as soon as one fails. */
  async reloadAll(): Promise<void> {
    const entries = [...this.#entries.values()]
    for (const entry of entries) entry.isStale = true
    // Two at a time: more would keep the pool from those who wait for an answer.
    const next = entries.values()
    const work = async () => {
      for (const entry of next) await this.#refresh(entry)
    }
    await Promise.all([work(), work()])
  }

  apply(eventNo: number, facts: readonly SeatFact[]): void {
    const entry = this.#entries.get(eventNo)
    if (entry === undefined) return
    for (const fact of facts) entry.seats.apply(fact)
    entry.meanwhile?.push(...facts)
  }

  /** May be undone by tables that are being read and are older; counters are polled, so not for long. */
  applyArea(eventNo: number, { areaNo, generation, available }: AreaFact): void {
    this.#entries.get(eventNo)?.seats.applyArea(areaNo, generation, available)
  }

  addUser(eventNo: number, userId: UserId): void {
    this.#entries.get(eventNo)?.seats.users.add(userId)
  }

  /** The events in memory, those that are being read for the first time too. */
  *all(): Iterable<EventSeats> {
    for (const { seats } of this.#entries.values()) yield seats
  }

  /** Forgets events that nobody has asked for lately; returns which. */
  async dropUnused(databaseNow: number): Promise<number[]> {
    const { clock, definitions } = this.#deps
    const dropped: number[] = []
    let total = 0
    for (const { seats } of this.#entries.values()) total += seats.map.seatCount
    const byUse = [...this.#entries.values()].sort((a, b) => a.usedAt - b.usedAt)
    for (const entry of byUse) {
      const { eventNo, map } = entry.seats
      const idle = () => clock.monotonic() - entry.usedAt
      if (!entry.isFilled || entry.reading !== null || idle() < idleWhenFullMs) continue
      const isOver = async () => {
        const definition = await definitions.byNo(eventNo)
        if (definition === null) return true
        const { status, startsAt } = definition
        return status === 'ended' || status === 'cancelled' || startsAt + dayMs < databaseNow
      }
      if (total <= seatsMax && (idle() < idleMs || !(await isOver()))) continue
      if (idle() < idleWhenFullMs) continue // used while we asked
      this.#entries.delete(eventNo)
      total -= map.seatCount
      dropped.push(eventNo)
    }
    return dropped
  }

  async #load(eventNo: number): Promise<EventSeats> {
    const definition = await this.#deps.definitions.byNo(eventNo)
    assert(definition !== null, 'an event whose seats are asked for exists')
    const entry: Entry = {
      seats: new EventSeats(eventNo, definition.seatMap),
      usedAt: this.#deps.clock.monotonic(),
      isFilled: false,
      isStale: true,
      reading: null,
      meanwhile: null,
    }
    this.#entries.set(eventNo, entry)
    try {
      await this.#refresh(entry)
    } catch (error) {
      this.#entries.delete(eventNo)
      throw error
    }
    return entry.seats
  }

  /** Reads until nobody has asked for another look since the last began. */
  #refresh(entry: Entry): Promise<void> {
    if (!entry.isStale) return Promise.resolve()
    const readOn = async () => {
      try {
        while (entry.isStale) {
          entry.isStale = false
          await this.#read(entry)
        }
      } catch (error) {
        entry.isStale = true
        throw error
      } finally {
        entry.reading = null
      }
    }
    entry.reading ??= readOn()
    return entry.reading
  }

  async #read(entry: Entry): Promise<void> {
    const { db } = this.#deps
    const { eventNo } = entry.seats
    entry.meanwhile = []
    try {
      // A seat must not be known as taken before its holder is known, who may be asking for it again: so users are read after
      // the seats, which may be taken at any moment, and are known before them.
      const areas = await readStoredAreas(db, eventNo)
      const seats = await readStoredSeats(db, eventNo)
      await this.#readUsers(entry.seats)
      entry.seats.replaceAll(seats, areas)
      for (const fact of entry.meanwhile) entry.seats.apply(fact)
      entry.isFilled = true
    } finally {
      entry.meanwhile = null
    }
  }

  /** Some at a time: a sold-out arena has 15,000, which take 45 ms. */
  async #readUsers(seats: EventSeats): Promise<void> {
    const users = await readStoredUsers(this.#deps.db, seats.eventNo)
    for (const [i, userId] of users.entries()) {
      seats.users.add(userId)
      if (i % usersATurn === usersATurn - 1) await new Promise(resolve => setImmediate(resolve))
    }
  }
}
