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
 * by everybody at once; people look at the lists right after what they did, and there are 92 lists of seats.
 */
const snapshotKeptMs = 1000
const sectionsKeptMs = 250
const seatsKeptMs = 500
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
    if (isGood(this.#lists, view, seats.version, sectionsKeptMs)) return this.#lists.body
    seats.lapse(view.databaseNow)
    const sections = JSON.stringify(viewSections(view.definition, seats))
    this.#lists = this.#made(view, { of: seats.version, named: {}, list: `"sections":${sections}`, content: sections })
    return this.#lists.body
  }

  seatsOf(view: View, sectionNo: number): SharedBody {
    const seats = this.#seats
    const key = `${this.#instance} ${sectionNo}`
    const before = this.#keptSections.get(key)
    if (isGood(before, view, seats.sectionRevision(sectionNo), seatsKeptMs)) return before.body
    seats.lapse(view.databaseNow)
    const { version } = view.definition
    const section = seats.map.sections[sectionNo]!.name
    const list = viewSeats(view.definition, seats, sectionNo)
    const made = this.#made(view, {
      of: seats.sectionRevision(sectionNo),
      named: { section },
      list: `"seats":${JSON.stringify(list)}`,
      // With the version of the event, the initials of the states say it all, in a hundredth of the bytes.
      content: `${version} ${section} ${list.map(seat => seat.status[0]).join('')}`,
    })
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

  /** `content` stands for the list in the ETag. */
  #made(view: View, { of, named, list, content }: { of: number; named: object; list: string; content: string }): Made {
    const { definition, now, asOf } = view
    const { eventId } = definition
    const version = this.versionName(this.#seats.version)
    const head = JSON.stringify({ event_id: eventId, ...named, version, as_of: new Date(asOf).toISOString() })
    const body = new SharedBody(version, Buffer.from(`${head.slice(0, -1)},${list}}`), eventId + content)
    return { body, at: now, asOf, of, definition }
  }
}

function isGood(made: Made | null, view: View, of: number, keptMs: number): made is Made {
  if (made === null || made.definition !== view.definition) return false
  return view.now - made.at < keptMs || (made.of === of && view.asOf - made.asOf < asOfKeptMs)
}
