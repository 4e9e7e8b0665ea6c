import { assert } from '#kernel/assert.ts'
import { attributesOf } from './attributes.ts'
import { SeatIndex } from './seat-index.ts'
import type { Shape, Size } from './shape.ts'

export interface Category {
  name: string
  /** CSS colour. */
  color: string
}

/** Seats of a section lie side by side: `firstSeat` to `firstSeat + seatCount - 1`; so do its rows. */
export interface Section {
  name: string
  firstSeat: number
  seatCount: number
  firstRow: number
  rowCount: number
}

/** Seats of a row lie side by side too, in the order in which one walks along the row. */
export interface Row {
  /** Index into `sections`. */
  section: number
  label: string
  firstSeat: number
  seatCount: number
}

/** A general-admission area: places without numbers. */
export interface Area {
  /** Dense index in the map, as `seat_no` is for seats. */
  areaNo: number
  areaId: string
  name: string
  capacity: number
  /** Index into `categories`. */
  category: number
  shape: Shape | null
}

export interface Seat {
  seatId: string
  section: string
  row: string
  number: string
  x: number
  y: number
  /** Index into `categories`: the plan's default price level. */
  category: number
  attributes: readonly string[]
}

/** What a compiled map consists of; columns are indexed by `seat_no`. */
export interface SeatMapParts {
  name: string
  size: Size
  /** Radius to draw a seat with, in the plan's units. */
  seatRadius: number
  categories: readonly Category[]
  sections: readonly Section[]
  rows: readonly Row[]
  areas: readonly Area[]
  /** What is drawn but not sold: stage, bars, labels. */
  scenery: readonly Shape[]
  x: Float32Array
  y: Float32Array
  category: Uint8Array
  /** Bit i stands for `attributeNames[i]`. */
  attributes: Uint16Array
  attributeNames: readonly string[]
  /** Index into `numberLabels`: most rows number their seats with the same few words. */
  number: Uint32Array
  numberLabels: readonly string[]
  /** 1 when the next seat_no is the neighbour: same row, no aisle between. */
  joinsNext: Uint8Array
}

/**
 * A seat map as the server keeps it: columns instead of objects, because fifty arenas of 30,000 seats have to fit beside
 * everything else below 300 MB. A map is immutable, so events share it.
 *
 * `seat_no`, the dense index of a seat, is what everything else (rows of the database, bitmaps, snapshots) is keyed by.
 */
export class SeatMap implements SeatMapParts {
  readonly name: string
  readonly size: Size
  readonly seatRadius: number
  readonly categories: readonly Category[]
  readonly sections: readonly Section[]
  readonly rows: readonly Row[]
  readonly areas: readonly Area[]
  readonly scenery: readonly Shape[]
  readonly x: Float32Array
  readonly y: Float32Array
  readonly category: Uint8Array
  readonly attributes: Uint16Array
  readonly attributeNames: readonly string[]
  readonly number: Uint32Array
  readonly numberLabels: readonly string[]
  readonly joinsNext: Uint8Array
  readonly seatCount: number
  /** The row of each seat, as an index into `rows`. */
  readonly rowOf: Uint32Array
  readonly #index: SeatIndex
  readonly #sectionNos: ReadonlyMap<string, number>

  constructor(parts: SeatMapParts) {
    this.name = parts.name
    this.size = parts.size
    this.seatRadius = parts.seatRadius
    this.categories = parts.categories
    this.sections = parts.sections
    this.rows = parts.rows
    this.areas = parts.areas
    this.scenery = parts.scenery
    this.x = parts.x
    this.y = parts.y
    this.category = parts.category
    this.attributes = parts.attributes
    this.attributeNames = parts.attributeNames
    this.number = parts.number
    this.numberLabels = parts.numberLabels
    this.joinsNext = parts.joinsNext
    this.seatCount = parts.x.length
    this.rowOf = rowOfEachSeat(parts.rows, this.seatCount)
    this.#sectionNos = new Map(parts.sections.map((section, no) => [section.name, no]))
    this.#index = new SeatIndex(this.seatCount, n => this.seatIdOf(n))
  }

  /** A view of seat `n`, built on demand. `n` must be below `seatCount`. */
  seat(n: number): Seat {
    assert(n >= 0 && n < this.seatCount, 'a seat_no lies within its map')
    const row = this.rows[this.rowOf[n]!]!
    return {
      seatId: this.seatIdOf(n),
      section: this.sections[row.section]!.name,
      row: row.label,
      number: this.numberLabels[this.number[n]!]!,
      x: rounded(this.x[n]!),
      y: rounded(this.y[n]!),
      category: this.category[n]!,
      attributes: attributesOf(this.attributes[n]!, this.attributeNames),
    }
  }

  seatIdOf(n: number): string {
    const row = this.rows[this.rowOf[n]!]!
    return composeSeatId(this.sections[row.section]!.name, row.label, this.numberLabels[this.number[n]!]!)
  }

  /** The `seat_no` of a seat id, or -1. The id is compared as it is: ids on the wire are already in their one form. */
  seatNoOf(seatId: string): number {
    return this.#index.find(seatId)
  }

  /** The section of seat `n`, as an index into `sections`. */
  sectionOf(n: number): number {
    return this.rows[this.rowOf[n]!]!.section
  }

  /** The index of the section of that name, or -1. */
  sectionNoOf(name: string): number {
    return this.#sectionNos.get(name) ?? -1
  }

  /** The bit of an attribute in `attributes`; 0 when no seat of the map can have it. */
  attributeBit(name: string): number {
    const bit = this.attributeNames.indexOf(name)
    return bit === -1 ? 0 : 1 << bit
  }
}

export function composeSeatId(section: string, row: string, number: string): string {
  return `${section}-${row}-${number}`
}

/** Positions have two decimals; a Float32 keeps them exactly enough below 100,000 to be rounded back. */
export function rounded(position: number): number {
  return Math.round(position * 100) / 100
}

function rowOfEachSeat(rows: readonly Row[], seatCount: number): Uint32Array {
  const rowOf = new Uint32Array(seatCount)
  let next = 0
  for (const [no, row] of rows.entries()) {
    assert(row.firstSeat === next, 'rows cover the seats without gap or overlap')
    next += row.seatCount
    rowOf.fill(no, row.firstSeat, next)
  }
  assert(next === seatCount, 'rows cover every seat')
  return rowOf
}
