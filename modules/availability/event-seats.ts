import type { SeatMap } from '#catalog'
import { RecentChanges } from './recent-changes.ts'
import { UserSet } from './user-set.ts'

/** In the order of the database's enum; the columns keep the index. */
export const seatStatuses = ['available', 'held', 'reserved', 'sold', 'blocked'] as const
export type SeatStatus = (typeof seatStatuses)[number]

/** What the public sees, as in the snapshot: held and reserved look alike. */
export const seatShown = { available: 0, taken: 1, sold: 2, blocked: 3 } as const

export type SeatFact = {
  seatNo: number
  generation: number
  status: SeatStatus
  /** End of a hold, database time in milliseconds since 1970; 0 unless held. */
  heldUntil: number
}

/** Facts as columns: what a whole event is read into. */
export type SeatColumns = {
  seatNo: Int32Array
  generation: Int32Array
  /** Index into `seatStatuses`. */
  status: Uint8Array
  heldUntil: Float64Array
}

export type AreaFact = { areaNo: number; generation: number; available: number }

const code = { available: 0, held: 1, reserved: 2, sold: 3, blocked: 4 } as const satisfies Record<SeatStatus, number>
const shownOf = Uint8Array.of(seatShown.available, seatShown.taken, seatShown.taken, seatShown.sold, seatShown.blocked)

/**
 * Memory refuses only what it is sure of: with less left of a hold the database is asked, because its clock decides and a
 * hold that has just run out can be claimed.
 */
const sureForMs = 1000

/**
 * The committed facts of one event's seats and areas, as columns: 14 bytes a seat. Facts come from our own commits and from
 * the change feed, in any order and more than once; the generation of each seat decides which is newer. It is a hint: it may
 * say "taken" early, and what it calls free is for the database to give.
 */
export class EventSeats {
  readonly eventNo: number
  readonly map: SeatMap
  /** Who may have a reservation here, live or ended. */
  readonly users = new UserSet()
  readonly shown: Uint8Array
  readonly areaAvailable: Int32Array
  /** Every visible change; its version grows with each. */
  readonly recent = new RecentChanges()
  readonly #status: Uint8Array
  /** One more than the generation; 0 where nothing was learned, which is a seat as it was made: available. */
  readonly #known: Uint32Array
  readonly #heldUntil: Float64Array
  readonly #sectionFree: Int32Array
  readonly #sectionRevision: Uint32Array
  readonly #areaKnown: Uint32Array
  readonly #listeners: ((seatNo: number) => void)[] = []
  #firstEnd = Number.POSITIVE_INFINITY

  constructor(eventNo: number, map: SeatMap) {
    this.eventNo = eventNo
    this.map = map
    this.shown = new Uint8Array(map.seatCount)
    this.#status = new Uint8Array(map.seatCount)
    this.#known = new Uint32Array(map.seatCount)
    this.#heldUntil = new Float64Array(map.seatCount)
    this.#sectionFree = Int32Array.from(map.sections, section => section.seatCount)
    this.#sectionRevision = new Uint32Array(map.sections.length)
    this.areaAvailable = Int32Array.from(map.areas, area => area.capacity)
    this.#areaKnown = new Uint32Array(map.areas.length)
  }

  /** Grows with every visible change. */
  get version(): number {
    return this.recent.version
  }

  /** Takes a fact unless a newer one is known. */
  apply(fact: SeatFact): boolean {
    return this.#learn(fact.seatNo, fact.generation, code[fact.status], fact.heldUntil)
  }

  applyArea(areaNo: number, generation: number, available: number): void {
    if (generation < this.#areaKnown[areaNo]!) return
    this.#areaKnown[areaNo] = generation + 1
    if (this.areaAvailable[areaNo] === available) return
    this.areaAvailable[areaNo] = available
    this.recent.noteArea(areaNo)
  }

  /**
   * Forgets everything and takes these facts: all of the event that differs from a seat as it was made. Listeners hear of
   * what looks different afterwards. Not merged by generation: after a restore the database counts from an older one.
   */
  replaceAll(seats: SeatColumns, areas: readonly AreaFact[]): void {
    this.#known.fill(0)
    this.#areaKnown.fill(0)
    for (let i = 0; i < seats.seatNo.length; i++)
      this.#learn(seats.seatNo[i]!, seats.generation[i]!, seats.status[i]!, seats.heldUntil[i]!)
    for (let seatNo = 0; seatNo < this.#known.length; seatNo++)
      if (this.#known[seatNo] === 0 && this.#status[seatNo] !== code.available) this.#set(seatNo, code.available, 0)
    for (const { areaNo, generation, available } of areas) this.applyArea(areaNo, generation, available)
  }

  /** As last learned; whether a hold has run out is for the caller to see. */
  status(seatNo: number): SeatStatus {
    return seatStatuses[this.#status[seatNo]!]!
  }

  generation(seatNo: number): number {
    return Math.max(0, this.#known[seatNo]! - 1)
  }

  heldUntil(seatNo: number): number {
    return this.#heldUntil[seatNo]!
  }

  /** As far as known here, the seat can be claimed at this database time. */
  isFree(seatNo: number, now: number): boolean {
    const status = this.#status[seatNo]
    return status === code.available || (status === code.held && this.#heldUntil[seatNo]! <= now)
  }

  /** The seat is taken, and a refusal needs no question to the database. */
  isSurelyTaken(seatNo: number, now: number): boolean {
    const status = this.#status[seatNo]
    if (status === code.available) return false
    return status !== code.held || this.#heldUntil[seatNo]! > now + sureForMs
  }

  /** What the public is told: a hold that has run out reads available, reserved stays apart from held. */
  statusShown(seatNo: number): SeatStatus {
    return this.shown[seatNo] === seatShown.available ? 'available' : this.status(seatNo)
  }

  sectionFree(section: number): number {
    return this.#sectionFree[section]!
  }

  /** Another one whenever `statusShown` of a seat of the section is. */
  sectionRevision(section: number): number {
    return this.#sectionRevision[section]!
  }

  /** Shows holds that have run out as available; call it at least every second. */
  lapse(now: number): void {
    if (this.#firstEnd > now) return
    const status = this.#status
    const heldUntil = this.#heldUntil
    let next = Number.POSITIVE_INFINITY
    for (let seatNo = 0; seatNo < status.length; seatNo++) {
      if (status[seatNo] !== code.held) continue
      const end = heldUntil[seatNo]!
      if (end > now) next = Math.min(next, end)
      else if (this.shown[seatNo] !== seatShown.available) this.#show(seatNo, seatShown.available)
    }
    this.#firstEnd = next
  }

  /** `listener` hears of every seat whose shown state changes, at once. */
  onShown(listener: (seatNo: number) => void): void {
    this.#listeners.push(listener)
  }

  #learn(seatNo: number, generation: number, status: number, heldUntil: number): boolean {
    if (generation < this.#known[seatNo]!) return false
    this.#known[seatNo] = generation + 1
    this.#set(seatNo, status, heldUntil)
    return true
  }

  #set(seatNo: number, status: number, heldUntil: number): void {
    if (this.#status[seatNo] !== status) this.#sectionRevision[this.map.sectionOf(seatNo)]!++
    this.#status[seatNo] = status
    this.#heldUntil[seatNo] = heldUntil
    if (status === code.held && heldUntil < this.#firstEnd) this.#firstEnd = heldUntil
    this.#show(seatNo, shownOf[status]!)
  }

  #show(seatNo: number, shown: number): void {
    const before = this.shown[seatNo]!
    if (before === shown) return
    this.shown[seatNo] = shown
    const section = this.map.sectionOf(seatNo)
    this.#sectionRevision[section]!++
    if (before === seatShown.available) this.#sectionFree[section]!--
    if (shown === seatShown.available) this.#sectionFree[section]!++
    this.recent.noteSeat(seatNo)
    for (const listener of this.#listeners) listener(seatNo)
  }
}
