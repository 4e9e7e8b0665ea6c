import type { Oval } from './oval.ts'
import { addZone, type BuiltRow, metre, type Plan, type Point } from './plan.ts'

/** One level of a bowl: a ring of sections between two distances from the oval. */
export interface Level {
  /** Section n is called `firstName + n`. */
  firstName: number
  sections: number
  /** Distance of the first row from the oval, and from row to row. */
  front: number
  depth: number
  /** How many rows section n of this level has. */
  rowsOf: (section: number) => number
  rowLabel: (row: number) => string
  categoryOf: (row: number) => string
  /** Sections with a stairwell in the middle, from row `from` for `rows` rows. */
  stairwell?: { isIn: (section: number) => boolean; from: number; rows: number; width: number }
  /** Sections with wheelchair places behind the last row: pairs of a place and a companion's seat. */
  bay?: { pairsOf: (section: number) => number; category: string }
  /** Rows from which a roof beam or a screen hides part of the view. */
  restricted?: (section: number, row: number) => boolean
}

const seatPitch = 0.5 * metre
const aisle = 1.25 * metre
/** A wheelchair place is 0.9 m wide; then the companion's seat, then room to turn. */
const bayPitch = { companion: 0.75 * metre, next: 1.05 * metre }

export function addLevel(plan: Plan, center: Point, oval: Oval, level: Level): void {
  // Sections are equally wide at half depth, and the first is centred below the middle of the plan.
  const middle = level.front + (level.depth * level.rowsOf(0)) / 2
  const width = oval.circumference(middle) / level.sections
  const start = oval.lengthTo(Math.PI, middle) - width / 2
  for (let section = 0; section < level.sections; section++) {
    const from = oval.directionAt(start + section * width, middle)
    const to = oval.directionAt(start + (section + 1) * width, middle)
    const rows = Array.from({ length: level.rowsOf(section) }, (_, row) =>
      buildRow(oval, level, section, row, from, to),
    )
    const bay = buildBay(oval, level, section, rows.length, from, to)
    addZone(plan, String(level.firstName + section), center, bay ? [...rows, bay] : rows)
  }
}

function buildRow(oval: Oval, level: Level, section: number, row: number, from: number, to: number): BuiltRow {
  const distance = level.front + row * level.depth
  const begin = oval.lengthTo(from, distance) + aisle / 2
  const end = oval.lengthTo(to, distance) - aisle / 2
  const half = stairwellWidth(level, section, row) / 2
  const middle = (begin + end) / 2
  const blocks = half > 0 ? [spread(begin, middle - half), spread(middle + half, end)] : [spread(begin, end)]
  const restricted = level.restricted?.(section, row) ? ['restricted-view'] : []
  return {
    label: level.rowLabel(row),
    category: level.categoryOf(row),
    seats: blocks.flatMap(block =>
      block.map((length, i) => {
        const isAtAisle = i === 0 || i === block.length - 1
        const attributes = isAtAisle ? ['aisle', ...restricted] : restricted
        return { ...oval.point(oval.directionAt(length, distance), distance), attributes }
      }),
    ),
  }
}

function stairwellWidth({ stairwell }: Level, section: number, row: number): number {
  if (!stairwell?.isIn(section)) return 0
  return row >= stairwell.from && row < stairwell.from + stairwell.rows ? stairwell.width : 0
}

function buildBay(oval: Oval, level: Level, section: number, rows: number, from: number, to: number): BuiltRow | null {
  const pairs = level.bay?.pairsOf(section) ?? 0
  if (!level.bay || pairs === 0) return null
  const distance = level.front + rows * level.depth + 0.6 * metre
  const middle = (oval.lengthTo(from, distance) + oval.lengthTo(to, distance)) / 2
  const width = pairs * bayPitch.companion + (pairs - 1) * bayPitch.next
  const seats = Array.from({ length: pairs }, (_, pair) => {
    const place = middle - width / 2 + pair * (bayPitch.companion + bayPitch.next)
    const at = (length: number) => oval.point(oval.directionAt(length, distance), distance)
    return [
      { ...at(place), attributes: ['wheelchair', 'step-free'] },
      { ...at(place + bayPitch.companion), attributes: ['companion', 'step-free'] },
    ]
  })
  return { label: 'WC', category: level.bay.category, seats: seats.flat() }
}

/** As many seats as fit between two lengths, evenly spread, so that the aisles have straight edges. */
function spread(begin: number, end: number): number[] {
  const count = Math.floor((end - begin) / seatPitch)
  const pitch = (end - begin) / count
  return Array.from({ length: count }, (_, i) => begin + pitch * (i + 0.5))
}

/** A, B, … without I and O, which are taken for 1 and 0; then AA, BB, … */
export function letterLabel(row: number): string {
  const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZ'
  return letters[row % letters.length]!.repeat(1 + Math.floor(row / letters.length))
}
