import type { SeatMap } from '#catalog'
import { accessibleBits } from '../single-seat-rule.ts'

/** What a seat is to somebody who looks for some; `kept` is free, but not for them. */
export const seatState = { taken: 0, kept: 1, open: 2 } as const
export type SeatState = (typeof seatState)[keyof typeof seatState]

/** Looks at one row at a time: how large a party it takes, and where a party sits best. Seats go by their seat_no. */
export class RowScan {
  readonly #map: SeatMap
  readonly #accessible: number
  readonly #states: Uint8Array
  #first = 0
  #end = 0

  constructor(map: SeatMap) {
    this.#map = map
    this.#accessible = accessibleBits(map)
    this.#states = new Uint8Array(map.rows.reduce((most, row) => Math.max(most, row.seatCount), 0))
  }

  /** Takes the picture of a row that everything below is about. */
  load(rowNo: number, stateOf: (seatNo: number) => SeatState): void {
    const { firstSeat, seatCount } = this.#map.rows[rowNo]!
    this.#first = firstSeat
    this.#end = firstSeat + seatCount
    for (let i = 0; i < seatCount; i++) this.#states[i] = stateOf(firstSeat + i)
  }

  /**
   * The party sizes that fit, as masks of `sizeBit`: side by side somewhere (`fitting`), and without leaving a seat alone
   * (`clean`). Beside kept seats `clean` promises too much: it says where to look.
   */
  fits(): { fitting: number; clean: number } {
    let fitting = 0
    let clean = 0
    for (let seatNo = this.#first; seatNo < this.#end; seatNo++) {
      if (this.#stateOf(seatNo) === seatState.taken) continue
      const start = seatNo
      let open = 0
      let widest = 0
      for (; ; seatNo++) {
        open = this.#stateOf(seatNo) === seatState.open ? open + 1 : 0
        if (open > widest) widest = open
        if (!this.isFreeBeside(seatNo, seatNo + 1)) break
      }
      const gap = seatNo - start + 1
      const sizes = sizesUpTo(widest)
      fitting |= sizes
      clean |= widest === gap && gap > 1 && gap <= sizesMax ? sizes & ~sizeBit(gap - 1) : sizes
    }
    return { fitting, clean }
  }

  /** Where `size` open seats lie side by side at the least cost: the first of them, or -1. An infinite cost forbids. */
  cheapest(size: number, costOf: (first: number) => number): number {
    let best = -1
    let least = Number.POSITIVE_INFINITY
    let open = 0
    for (let seatNo = this.#first; seatNo < this.#end; seatNo++) {
      if (this.#stateOf(seatNo) !== seatState.open) open = 0
      else open = this.isFreeBeside(seatNo, seatNo - 1) ? open + 1 : 1
      if (open < size) continue
      const first = seatNo - size + 1
      const cost = costOf(first)
      if (cost >= least) continue
      least = cost
      best = first
    }
    return best
  }

  /** How many seats a party there would leave alone. Accessible places do not count, as in the single-seat rule. */
  leavesAlone(first: number, size: number): number {
    const last = first + size - 1
    return Number(this.#isAlone(first, first - 1, first - 2)) + Number(this.#isAlone(last, last + 1, last + 2))
  }

  /**
   * How far the middle of a party is from the middle of the row; among equals beside somebody is better than amid a gap, which
   * leaves longer gaps to others.
   */
  offCentre(first: number, size: number): number {
    const last = first + size - 1
    const openSides = Number(this.isFreeBeside(first, first - 1)) + Number(this.isFreeBeside(last, last + 1))
    return Math.abs(first + last - (this.#first + this.#end - 1)) * 3 + openSides
  }

  /** `beside`, the seat before or after, is free and no aisle lies between. */
  isFreeBeside(seatNo: number, beside: number): boolean {
    if (beside < this.#first || beside >= this.#end) return false
    return this.#map.joinsNext[Math.min(seatNo, beside)] === 1 && this.#stateOf(beside) !== seatState.taken
  }

  #isAlone(inside: number, outside: number, beyond: number): boolean {
    if (!this.isFreeBeside(inside, outside) || this.isFreeBeside(outside, beyond)) return false
    return (this.#map.attributes[outside]! & this.#accessible) === 0
  }

  #stateOf(seatNo: number): number {
    return this.#states[seatNo - this.#first]!
  }
}

/** A mask has 32 bits; the last stands for all larger parties too. */
const sizesMax = 32

export function sizeBit(size: number): number {
  return 1 << (Math.min(size, sizesMax) - 1)
}

function sizesUpTo(size: number): number {
  return size >= sizesMax ? -1 : (1 << size) - 1
}
