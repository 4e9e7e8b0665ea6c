import type { House, Wish } from '../best-available.ts'
import { accessibleBits, singleSeatRule } from '../single-seat-rule.ts'
import type { FitIndex } from './fit-index.ts'
import type { RowIndex } from './row-index.ts'
import { type RowScan, type SeatState, seatState } from './row-scan.ts'
import type { RankedLevel } from './seat-quality.ts'
import { wheelchairCost } from './wheelchair-cost.ts'

export interface SearchGround {
  house: House
  rows: RowIndex
  scan: RowScan
  levels: readonly RankedLevel[]
  /** The slots of rows with wheelchair places, best first. */
  bays: readonly number[]
}

/** What the search puts up with; each step is tried on every row before the next. */
type Step = { fits: FitIndex; leavesAlone: boolean; restrictedView: boolean }

/** One search for one wish, on one picture of the house. */
export class Search {
  readonly #ground: SearchGround
  readonly #wish: Wish
  readonly #isFree: (seatNo: number) => boolean
  readonly #levels: readonly RankedLevel[]
  readonly #isRightLevel: (seatNo: number) => boolean
  readonly #steps: readonly Step[]
  readonly #attributes: Uint16Array
  readonly #accessible: number
  readonly #restrictedView: number
  /** Seats given so far to a party that is split. */
  readonly #given: number[] = []

  constructor(ground: SearchGround, wish: Wish, isFree: (seatNo: number) => boolean) {
    const { map, levelOf, amountOf } = ground.house
    this.#ground = ground
    this.#wish = wish
    this.#isFree = isFree
    this.#levels = ground.levels.filter(({ level }) => {
      return (wish.level ?? level) === level && (wish.maxAmount === undefined || amountOf(level) <= wish.maxAmount)
    })
    const levels = new Set(this.#levels.map(({ level }) => level))
    this.#isRightLevel = levels.size === ground.levels.length ? () => true : seatNo => levels.has(levelOf(seatNo))
    const { clean, fitting } = ground.rows
    this.#steps = [
      { fits: clean, leavesAlone: false, restrictedView: false },
      { fits: fitting, leavesAlone: true, restrictedView: false },
      { fits: clean, leavesAlone: false, restrictedView: true },
      { fits: fitting, leavesAlone: true, restrictedView: true },
    ]
    this.#attributes = map.attributes
    this.#accessible = accessibleBits(map)
    this.#restrictedView = map.attributeBit('restricted-view')
  }

  /** Side by side in one row; `skip` passes over that many rows that would do. */
  together(skip: number): number[] | null {
    const { quantity, accessible } = this.#wish
    return accessible ? this.#inBay(quantity, skip) : this.#inBestRow(quantity, skip)
  }

  /**
   * In as few groups as possible: each the largest that any row still takes, the first in the best row, the others in the row
   * nearest to it. Around a wheelchair place at most four stay together: it and three companions, as
   * 28 CFR 36.302(f) asks, without a large party using up the bay.
   */
  apart(skip: number): number[] | null {
    const { quantity, accessible } = this.#wish
    try {
      let size = quantity - 1
      for (let inBay = Math.min(size, 4); accessible && this.#given.length === 0; inBay--) {
        if (inBay === 0) return null
        this.#give(this.#inBay(inBay, skip))
      }
      while (this.#given.length < quantity) {
        size = Math.min(size, quantity - this.#given.length)
        if (size === 0) return null
        const group = this.#given.length === 0 ? this.#inBestRow(size, skip) : this.#inNearestRow(size)
        if (group) this.#give(group)
        else size--
      }
      return this.#isAllowed(this.#given) ? this.#given.toSorted((a, b) => a - b) : null
    } finally {
      for (const seatNo of this.#given) this.#ground.rows.changed(seatNo)
    }
  }

  #give(group: readonly number[] | null): void {
    for (const seatNo of group ?? []) {
      this.#given.push(seatNo)
      this.#ground.rows.changed(seatNo)
    }
    this.#ground.rows.refresh(seatNo => this.#isStillFree(seatNo))
  }

  #inBestRow(size: number, skip: number): number[] | null {
    const { scan, rows } = this.#ground
    for (const step of this.#steps) {
      const seats = this.#firstThatFits(step, size, skip, slot => {
        return this.#inRow(rows.rowAt(slot), size, step, first => scan.offCentre(first, size))
      })
      if (seats) return seats
    }
    return null
  }

  /** Skipping goes by the index alone; when it leaves nothing, the search starts over with less of it. */
  #firstThatFits(step: Step, size: number, skip: number, seatsIn: (slot: number) => number[] | null): number[] | null {
    let passed = 0
    for (const slot of this.#slotsThatFit(step, { size, section: this.#wish.section })) {
      if (passed++ < skip) continue
      const seats = seatsIn(slot)
      if (seats) return seats
    }
    if (skip === 0 || passed === 0) return null
    return this.#firstThatFits(step, size, passed > skip ? 0 : skip % passed, seatsIn)
  }

  /** Nearest to the group given first: in its section if possible, since that has one entrance, then by distance. */
  #inNearestRow(size: number): number[] | null {
    const { x, y, rows } = this.#ground.house.map
    const anchor = this.#given[0]!
    const distance = (seatNo: number) => Math.hypot(x[seatNo]! - x[anchor]!, y[seatNo]! - y[anchor]!)
    for (const section of [this.#ground.house.map.sectionOf(anchor), this.#wish.section]) {
      for (const step of this.#steps) {
        const candidates = Array.from(this.#slotsThatFit(step, { size, section }), slot => {
          const row = this.#ground.rows.rowAt(slot)
          return { row, away: distance(rows[row]!.firstSeat + (rows[row]!.seatCount >> 1)) }
        })
        for (const { row } of candidates.sort((a, b) => a.away - b.away)) {
          const seats = this.#inRow(row, size, step, first => distance(first + (size >> 1)))
          if (seats) return seats
        }
      }
    }
    return null
  }

  #inRow(row: number, size: number, step: Step, costOf: (first: number) => number): number[] | null {
    const { scan } = this.#ground
    scan.load(row, seatNo => this.#stateOf(seatNo, step.restrictedView))
    const first = scan.cheapest(size, first => {
      const isClean = scan.leavesAlone(first, size) === 0
      if (!isClean && !step.leavesAlone) return Number.POSITIVE_INFINITY
      if (!isClean && !this.#isAllowed([...this.#given, ...sideBySide(first, size)])) return Number.POSITIVE_INFINITY
      return costOf(first)
    })
    return first === -1 ? null : sideBySide(first, size)
  }

  #inBay(size: number, skip: number): number[] | null {
    const { scan, bays, rows, house } = this.#ground
    const { section } = this.#wish
    const right = bays.filter(slot => {
      return (
        this.#levels.some(({ from, to }) => slot >= from && slot < to) &&
        (section === undefined || house.map.rows[rows.rowAt(slot)]!.section === section)
      )
    })
    for (let i = 0; i < right.length; i++) {
      scan.load(rows.rowAt(right[(i + skip) % right.length]!), seatNo => {
        if (!this.#isStillFree(seatNo)) return seatState.taken
        return this.#isRightLevel(seatNo) ? seatState.open : seatState.kept
      })
      const first = scan.cheapest(size, first => wheelchairCost(house.map, scan, first, size))
      if (first !== -1) return sideBySide(first, size)
    }
    return null
  }

  *#slotsThatFit({ fits }: Step, party: { size: number; section?: number }): Generator<number> {
    const { rows } = this.#ground
    for (const { from, to } of this.#levels) {
      for (let slot = rows.next(fits, from, to, party); slot !== -1; slot = rows.next(fits, slot + 1, to, party))
        yield slot
    }
  }

  #stateOf(seatNo: number, restrictedView: boolean): SeatState {
    if (!this.#isStillFree(seatNo)) return seatState.taken
    const wrong = restrictedView ? this.#accessible : this.#accessible | this.#restrictedView
    return (this.#attributes[seatNo]! & wrong) === 0 && this.#isRightLevel(seatNo) ? seatState.open : seatState.kept
  }

  #isStillFree(seatNo: number): boolean {
    return this.#isFree(seatNo) && !this.#given.includes(seatNo)
  }

  #isAllowed(seatNos: readonly number[]): boolean {
    const { map, rule, levelOf } = this.#ground.house
    return rule === 'allow' || singleSeatRule({ map, isFree: this.#isFree, chosen: seatNos, levelOf }) === null
  }
}

function sideBySide(first: number, size: number): number[] {
  return Array.from({ length: size }, (_, i) => first + i)
}
