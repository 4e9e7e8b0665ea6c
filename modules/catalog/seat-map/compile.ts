import { assert } from '#kernel/assert.ts'
import { type ArrangedRow, type Arrangement, lowerMedian } from './arrangement.ts'
import { knownAttributes } from './attributes.ts'
import type { Draft, DraftSeat } from './draft.ts'
import { entryOf } from './entry.ts'
import { type Row, rounded, SeatMap, type Section } from './seat-map.ts'
import type { Size } from './shape.ts'

/** Turns a draft without problems into the map: seats get their numbers, section after section, row after row. */
export function compileSeatMap(draft: Draft, arrangement: Arrangement): SeatMap {
  const seatCount = draft.seats.length
  const columns = {
    x: new Float32Array(seatCount),
    y: new Float32Array(seatCount),
    category: new Uint8Array(seatCount),
    attributes: new Uint16Array(seatCount),
    number: new Uint32Array(seatCount),
    joinsNext: new Uint8Array(seatCount),
  }
  const attributeNames = [...new Set([...knownAttributes, ...draft.seats.flatMap(seat => seat.attributes)])]
  const numberNo = new Map<string, number>()
  const sections: Section[] = []
  const rows: Row[] = []
  let next = 0
  for (const { name, rows: arranged } of arrangement.sections) {
    const section = { name, firstSeat: next, seatCount: 0, firstRow: rows.length, rowCount: arranged.length }
    const sectionSpacing = lowerMedian(arranged.map(row => row.spacing))
    for (const row of arranged) {
      rows.push({ section: sections.length, label: row.label, firstSeat: next, seatCount: row.seats.length })
      const reach = reachOf(row, sectionSpacing)
      for (const [i, seat] of row.seats.entries()) {
        columns.x[next] = rounded(seat.x)
        columns.y[next] = rounded(seat.y)
        columns.category[next] = seat.category
        columns.attributes[next] = maskOf(seat, attributeNames)
        columns.number[next] = entryOf(numberNo, seat.number, () => numberNo.size)
        columns.joinsNext[next] = i < row.gaps.length && row.gaps[i]! <= reach ? 1 : 0
        next++
      }
    }
    section.seatCount = next - section.firstSeat
    sections.push(section)
  }
  assert(next === seatCount, 'every seat of the draft got a number')
  return new SeatMap({
    name: draft.name,
    size: draft.size ?? sizeOf(draft.seats),
    seatRadius: draft.seatRadius ?? (arrangement.spacing > 0 ? rounded(arrangement.spacing * 0.4) : 10),
    categories: draft.categories,
    sections,
    rows,
    areas: draft.areas.map(({ areaId, name, capacity, category, shape }, areaNo) => {
      return { areaNo, areaId, name, capacity, category, shape }
    }),
    scenery: draft.scenery,
    ...columns,
    attributeNames,
    numberLabels: [...numberNo.keys()],
  })
}

/**
 * How far apart neighbours may be: 1.6 times the row's usual spacing, so that a wheelchair place and its companion belong
 * together and an aisle parts. A row of two or three seats says little about itself, so its section has a say.
 */
function reachOf(row: ArrangedRow, sectionSpacing: number): number {
  const spacing = row.gaps.length < 3 && sectionSpacing > 0 ? Math.min(row.spacing, sectionSpacing) : row.spacing
  return spacing * 1.6
}

function maskOf(seat: DraftSeat, names: readonly string[]): number {
  let mask = 0
  for (const name of seat.attributes) mask |= 1 << names.indexOf(name)
  return mask
}

/** A box around the seats for plans that do not tell theirs; 1 x 1 when there are none to go by. */
function sizeOf(seats: readonly DraftSeat[]): Size {
  const width = seats.reduce((most, seat) => Math.max(most, seat.x), 0)
  const height = seats.reduce((most, seat) => Math.max(most, seat.y), 0)
  return { width: Math.ceil(width) + 1, height: Math.ceil(height) + 1 }
}
