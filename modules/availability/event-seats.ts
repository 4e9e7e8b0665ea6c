import type { SeatMap } from '#catalog'
import { UserSet } from './user-set.ts'

/** As stored, in the order of the database's enum. */
export const seatStatus = { available: 0, held: 1, reserved: 2, sold: 3, blocked: 4 } as const
export const seatStatusNames = ['available', 'held', 'reserved', 'sold', 'blocked'] as const
export type SeatStatusCode = (typeof seatStatus)[keyof typeof seatStatus]

/** What the public sees, as in the snapshot: held and reserved look alike. */
export const seatShown = { available: 0, taken: 1, sold: 2, blocked: 3 } as const

export type SeatFact = {
  seatNo: number
  generation: number
  status: SeatStatusCode
  /** End of a hold, database time in milliseconds since 1970; 0 unless held. */
  heldUntil: number
}

/**
 * Memory refuses only what it is sure of: with less left of a hold the database is asked, because its clock decides and a
 * hold that has just run out can be claimed.
 */
const sureForMs = 1000

/**
 * The committed facts of one event's seats and areas, as columns: 18 bytes a seat. Facts come from our own commits and from
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
  /** Grows with every visible change. */
  version = 0
  readonly #status: Uint8Array
  readonly #generation: Uint32Array
  readonly #heldUntil: Float64Array
  readonly #sectionFree: Int32Array
  readonly #areaGeneration: Uint32Array
  readonly #listeners: ((seatNo: number) => void)[] = []
  #firstEnd = Number.POSITIVE_INFINITY

  constructor(eventNo: number, map: SeatMap) {
    this.eventNo = eventNo
    this.map = map
    this.shown = new Uint8Array(map.seatCount)
    this.#status = new Uint8Array(map.seatCount)
    this.#generation = new Uint32Array(map.seatCount)
    this.#heldUntil = new Float64Array(map.seatCount)
    this.#sectionFree = Int32Array.from(map.sections, section => section.seatCount)
    this.areaAvailable = Int32Array.from(map.areas, area => area.capacity)
    this.#areaGeneration = new Uint32Array(map.areas.length)
  }

  /** Takes a fact unless a newer one is known. */
  apply(fact: SeatFact): boolean {
    const { seatNo, generation } = fact
    if (generation <= this.#generation[seatNo]!) return false
    this.#generation[seatNo] = generation
    this.#status[seatNo] = fact.status
    this.#heldUntil[seatNo] = fact.heldUntil
    if (fact.status === seatStatus.held && fact.heldUntil < this.#firstEnd) this.#firstEnd = fact.heldUntil
    this.#show(seatNo, shownOf(fact.status))
    return true
  }

  applyArea(areaNo: number, generation: number, available: number): void {
    if (generation < this.#areaGeneration[areaNo]!) return
    this.#areaGeneration[areaNo] = generation
    if (this.areaAvailable[areaNo] !== available) this.version++
    this.areaAvailable[areaNo] = available
  }

  status(seatNo: number): SeatStatusCode {
    return this.#status[seatNo] as SeatStatusCode
  }

  generation(seatNo: number): number {
    return this.#generation[seatNo]!
  }

  heldUntil(seatNo: number): number {
    return this.#heldUntil[seatNo]!
  }

  /** As far as known here, the seat can be claimed at this database time. */
  isFree(seatNo: number, now: number): boolean {
    const status = this.#status[seatNo]
    return status === seatStatus.available || (status === seatStatus.held && this.#heldUntil[seatNo]! <= now)
  }

  /** The seat is taken, and a refusal needs no question to the database. */
  isSurelyTaken(seatNo: number, now: number): boolean {
    const status = this.#status[seatNo]
    if (status === seatStatus.available) return false
    return status !== seatStatus.held || this.#heldUntil[seatNo]! > now + sureForMs
  }

  sectionFree(section: number): number {
    return this.#sectionFree[section]!
  }

  /** Shows holds that have run out as available; call it at least every second. */
  lapse(now: number): void {
    if (this.#firstEnd > now) return
    let next = Number.POSITIVE_INFINITY
    for (let seatNo = 0; seatNo < this.#status.length; seatNo++) {
      if (this.#status[seatNo] !== seatStatus.held) continue
      const end = this.#heldUntil[seatNo]!
      if (end <= now) this.#show(seatNo, seatShown.available)
      else if (end < next) next = end
    }
    this.#firstEnd = next
  }

  /** `listener` hears of every seat whose shown state changes, at once. */
  onShown(listener: (seatNo: number) => void): void {
    this.#listeners.push(listener)
  }

  #show(seatNo: number, shown: number): void {
    const before = this.shown[seatNo]!
    if (before === shown) return
    this.shown[seatNo] = shown
    this.version++
    const section = this.map.sectionOf(seatNo)
    if (before === seatShown.available) this.#sectionFree[section]!--
    if (shown === seatShown.available) this.#sectionFree[section]!++
    for (const listener of this.#listeners) listener(seatNo)
  }
}

function shownOf(status: SeatStatusCode): number {
  if (status === seatStatus.available) return seatShown.available
  if (status === seatStatus.sold) return seatShown.sold
  return status === seatStatus.blocked ? seatShown.blocked : seatShown.taken
}
