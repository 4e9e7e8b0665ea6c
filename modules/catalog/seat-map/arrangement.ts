import type { Draft, DraftSeat } from './draft.ts'
import { entryOf } from './entry.ts'

/** The draft's seats gathered into sections and rows, in document order, each row in walking order. */
export interface Arrangement {
  sections: { name: string; rows: ArrangedRow[] }[]
  /** Median over all rows of their spacing; 0 when no row has two seats apart from each other. */
  spacing: number
}

export interface ArrangedRow {
  label: string
  seats: DraftSeat[]
  /** `gaps[i]` is the distance from seat i to seat i + 1. */
  gaps: Float64Array
  /** The row's usual distance from seat to seat; 0 when it has only one. */
  spacing: number
}

export function arrange(draft: Draft): Arrangement {
  const bySection = new Map<string, Map<string, DraftSeat[]>>()
  for (const seat of draft.seats) {
    const rows = entryOf(bySection, seat.section, () => new Map<string, DraftSeat[]>())
    entryOf(rows, seat.row, () => []).push(seat)
  }
  const sections: Arrangement['sections'] = []
  for (const [name, rows] of bySection) {
    sections.push({ name, rows: Array.from(rows, ([label, seats]) => arrangeRow(label, seats)) })
  }
  const spacings = sections.flatMap(section => section.rows.map(row => row.spacing))
  return { sections, spacing: lowerMedian(spacings) }
}

function arrangeRow(label: string, seats: DraftSeat[]): ArrangedRow {
  const walked = inWalkingOrder(seats)
  const gaps = gapsOf(walked)
  return { label, seats: walked, gaps, spacing: lowerMedian(gaps) }
}

/**
 * Neighbours in a file are not always neighbours in the hall: manifests come sorted as text (1, 10, 11, 2), halves of a row
 * in any order. The file's order stays unless walking along the row's main direction is clearly shorter; a row bent into a
 * U, whose projection would fold, is shorter as it stands.
 */
function inWalkingOrder(seats: DraftSeat[]): DraftSeat[] {
  if (seats.length < 3) return seats
  const [dx, dy] = mainDirection(seats)
  const along = seats.map(seat => ({ seat, at: seat.x * dx + seat.y * dy })).sort((a, b) => a.at - b.at)
  const straight = along.map(({ seat }) => seat)
  if (sum(gapsOf(seats)) <= sum(gapsOf(straight)) * 1.001) return seats
  // Keep the end at which the file begins.
  return straight.indexOf(seats[0]!) * 2 >= straight.length ? straight.reverse() : straight
}

function mainDirection(seats: readonly DraftSeat[]): [number, number] {
  const mx = seats.reduce((total, seat) => total + seat.x, 0) / seats.length
  const my = seats.reduce((total, seat) => total + seat.y, 0) / seats.length
  let xx = 0
  let xy = 0
  let yy = 0
  for (const { x, y } of seats) {
    xx += (x - mx) ** 2
    xy += (x - mx) * (y - my)
    yy += (y - my) ** 2
  }
  const angle = Math.atan2(2 * xy, xx - yy) / 2
  return [Math.cos(angle), Math.sin(angle)]
}

function gapsOf(seats: readonly DraftSeat[]): Float64Array {
  const gaps = new Float64Array(Math.max(0, seats.length - 1))
  for (let i = 0; i < gaps.length; i++) {
    gaps[i] = Math.sqrt((seats[i + 1]!.x - seats[i]!.x) ** 2 + (seats[i + 1]!.y - seats[i]!.y) ** 2)
  }
  return gaps
}

/** The lower of two middle values: of two gaps, one across an aisle, it is the other. Zero gaps do not count. */
export function lowerMedian(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values)
    .filter(value => value > 0)
    .sort()
  return sorted[(sorted.length - 1) >> 1] ?? 0
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0)
}
