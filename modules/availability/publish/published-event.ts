import type { EventDefinition } from '#catalog'
import type { EventSeats } from '../event-seats.ts'
import type { KeptBodies } from './kept-bodies.ts'
import { viewSeats, viewSections } from './sections.ts'
import { SharedBody } from './shared-body.ts'
import { encodeSnapshot } from './snapshot.ts'

/** What an event is looked at with. */
export type View = {
  definition: EventDefinition
  /** Milliseconds of the monotonic clock. */
  now: number
  /** Database time now, and up to which everything is known; milliseconds since 1970. */
  databaseNow: number
  asOf: number
}

/**
 * How old an answer may get while the event changes. A snapshot of an arena takes 0.3 ms to make and compress and is fetched
 * by everybody at once; the others are small, and people look at them right after what they did.
 */
const snapshotKeptMs = 1000
const listsKeptMs = 250
/** `as_of` moves at least this often while somebody looks. */
const asOfKeptMs = 1000

/** A list as it was made; `of` is the version of what it shows. */
export type Made = { body: SharedBody; at: number; asOf: number; of: number; definition: EventDefinition }

/**
 * What the public gets of one event: bodies that are made once per change however many ask, and not more often than the
 * limits above. When nothing changes, an answer is given at once and is exact.
 */
export class PublishedEvent {
  readonly #seats: EventSeats
  readonly #instance: string
  #lists: Made | null = null
  #snapshot: { body: SharedBody; at: number; of: number } | null = null
  readonly #keptSections: KeptBodies<Made>

  /** `instance` tells versions of this process, and of this time in memory, from all others. */
  constructor(seats: EventSeats, instance: string, keptSections: KeptBodies<Made>) {
    this.#seats = seats
    this.#instance = instance
    this.#keptSections = keptSections
  }

  /** The name of a version. */
  versionName(version: number): string {
    return `${this.#instance}.${version}`
  }

  /** The version of that name; null for a name of another process, or none at all. */
  versionOf(name: string): number | null {
    const prefix = `${this.#instance}.`
    if (!name.startsWith(prefix)) return null
    const digits = name.slice(prefix.length)
    return /^\d{1,15}$/.test(digits) ? Number(digits) : null
  }

  sections(view: View): SharedBody {
    const seats = this.#seats
    if (isGood(this.#lists, view, seats.version)) return this.#lists.body
    seats.lapse(view.databaseNow)
    const sections = JSON.stringify(viewSections(view.definition, seats))
    this.#lists = this.#made(view, seats.version, { event_id: view.definition.eventId }, `"sections":${sections}`)
    return this.#lists.body
  }

  seatsOf(view: View, sectionNo: number): SharedBody {
    const seats = this.#seats
    const key = `${this.#instance} ${sectionNo}`
    const before = this.#keptSections.get(key)
    if (isGood(before, view, seats.sectionRevision(sectionNo))) return before.body
    seats.lapse(view.databaseNow)
    const { eventId } = view.definition
    const section = seats.map.sections[sectionNo]!.name
    const list = JSON.stringify(viewSeats(view.definition, seats, sectionNo))
    const made = this.#made(view, seats.sectionRevision(sectionNo), { event_id: eventId, section }, `"seats":${list}`)
    this.#keptSections.set(key, made)
    return made.body
  }

  snapshot(view: Pick<View, 'now' | 'databaseNow'>): SharedBody {
    const seats = this.#seats
    const before = this.#snapshot
    if (before !== null && view.now - before.at < snapshotKeptMs) return before.body
    seats.lapse(view.databaseNow)
    if (before !== null && before.of === seats.version) return before.body
    const body = new SharedBody(this.versionName(seats.version), encodeSnapshot(seats.shown))
    this.#snapshot = { body, at: view.now, of: seats.version }
    return body
  }

  /** Joins what is the same in every list with what is its own, which the ETag stands for. */
  #made(view: View, of: number, named: Record<string, string>, content: string): Made {
    const version = this.versionName(this.#seats.version)
    const head = JSON.stringify({ ...named, version, as_of: new Date(view.asOf).toISOString() })
    const body = new SharedBody(version, Buffer.from(`${head.slice(0, -1)},${content}}`), content)
    return { body, at: view.now, asOf: view.asOf, of, definition: view.definition }
  }
}

function isGood(made: Made | null, view: View, of: number): made is Made {
  if (made === null) return false
  if (view.now - made.at < listsKeptMs) return made.definition === view.definition
  return made.of === of && made.definition === view.definition && view.asOf - made.asOf < asOfKeptMs
}
