import { createHash } from 'node:crypto'
import { assert } from '#kernel/assert.ts'
import { entryOf } from './entry.ts'
import { type Area, type Category, type Row, rounded, SeatMap, type Section } from './seat-map.ts'
import type { Shape, Size } from './shape.ts'

/**
 * The stored form of a map: JSON with columns per row, an eighth of the plan it came from. It is the same text for the same
 * map, so its hash names it, and it never changes once an event is sold from it.
 */
export function encodeSeatMap(map: SeatMap): string {
  const row = ({ label, firstSeat, seatCount }: Row): StoredRow => {
    const seats = Array.from({ length: seatCount }, (_, i) => firstSeat + i)
    return {
      label,
      number: seats.map(n => map.numberLabels[map.number[n]!]!),
      x: seats.map(n => rounded(map.x[n]!)),
      y: seats.map(n => rounded(map.y[n]!)),
      category: collapse(seats.map(n => map.category[n]!)),
      attributes: collapse(seats.map(n => map.attributes[n]!)),
      joins_next: collapse(seats.slice(0, -1).map(n => map.joinsNext[n]!)),
    }
  }
  const stored: StoredSeatMap = {
    format: 1,
    name: map.name,
    size: map.size,
    seat_radius: map.seatRadius,
    categories: map.categories,
    attribute_names: map.attributeNames,
    sections: map.sections.map(({ name, firstRow, rowCount }) => {
      return { name, rows: map.rows.slice(firstRow, firstRow + rowCount).map(row) }
    }),
    areas: map.areas,
    scenery: map.scenery,
  }
  return JSON.stringify(stored)
}

export function decodeSeatMap(text: string): SeatMap {
  const stored = JSON.parse(text) as StoredSeatMap
  assert(stored.format === 1, 'a stored seat map has a format this version knows')
  const storedRows = stored.sections.flatMap(section => section.rows)
  const seatCount = storedRows.reduce((total, row) => total + row.number.length, 0)
  const columns = {
    x: new Float32Array(seatCount),
    y: new Float32Array(seatCount),
    category: new Uint8Array(seatCount),
    attributes: new Uint16Array(seatCount),
    number: new Uint32Array(seatCount),
    joinsNext: new Uint8Array(seatCount),
  }
  const numberNo = new Map<string, number>()
  const sections: Section[] = []
  const rows: Row[] = []
  let next = 0
  for (const { name, rows: inSection } of stored.sections) {
    const firstSeat = next
    const firstRow = rows.length
    for (const row of inSection) {
      const length = row.number.length
      rows.push({ section: sections.length, label: row.label, firstSeat: next, seatCount: length })
      columns.x.set(row.x, next)
      columns.y.set(row.y, next)
      spread(row.category, columns.category, next, length)
      spread(row.attributes, columns.attributes, next, length)
      spread(row.joins_next, columns.joinsNext, next, length - 1)
      for (const label of row.number) {
        columns.number[next++] = entryOf(numberNo, label, () => numberNo.size)
      }
    }
    sections.push({ name, firstSeat, seatCount: next - firstSeat, firstRow, rowCount: inSection.length })
  }
  return new SeatMap({
    name: stored.name,
    size: stored.size,
    seatRadius: stored.seat_radius,
    categories: stored.categories,
    sections,
    rows,
    areas: stored.areas,
    scenery: stored.scenery,
    ...columns,
    attributeNames: stored.attribute_names,
    numberLabels: [...numberNo.keys()],
  })
}

/** SHA-256 of the stored form: the name of the artefact. */
export function hashSeatMap(encoded: string): Buffer {
  return createHash('sha256').update(encoded).digest()
}

interface StoredSeatMap {
  format: 1
  name: string
  size: Size
  seat_radius: number
  categories: readonly Category[]
  attribute_names: readonly string[]
  sections: { name: string; rows: StoredRow[] }[]
  areas: readonly Area[]
  scenery: readonly Shape[]
}

/** A column whose seats all have one value is that value. */
type Column = number | number[]

interface StoredRow {
  label: string
  number: string[]
  x: number[]
  y: number[]
  category: Column
  attributes: Column
  joins_next: Column
}

function collapse(values: number[]): Column {
  const first = values[0] ?? 0
  return values.every(value => value === first) ? first : values
}

function spread(column: Column, into: Uint8Array | Uint16Array, from: number, length: number): void {
  if (typeof column === 'number') into.fill(column, from, from + length)
  else into.set(column, from)
}
