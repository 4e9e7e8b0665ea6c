import type { Arrangement } from './arrangement.ts'
import { attributesMax, knownAttributes } from './attributes.ts'
import { type Draft, type DraftArea, type DraftSeat, isLongerThan, limits } from './draft.ts'
import { entryOf } from './entry.ts'
import { quoted } from './plan-reader.ts'
import type { Place, ProblemList } from './problems.ts'
import { composeSeatId } from './seat-map.ts'

/** What has to hold for every import, whatever file it came from. */
export function checkDraft(draft: Draft, arrangement: Arrangement, problems: ProblemList, warnings: ProblemList): void {
  if (draft.seats.length === 0 && draft.areas.length === 0) {
    problems.add(whole, 'there is nothing to sell: neither a seat nor an area with a capacity')
  }
  checkCount(problems, draft.seats.length, limits.seats, 'seats')
  checkCount(problems, draft.areas.length, limits.areas, 'areas')
  checkCount(problems, draft.categories.length, limits.categories, 'categories')
  checkCount(problems, arrangement.sections.length, limits.sections, 'sections')
  checkSeatIds(draft.seats, problems)
  checkAttributes(draft.seats, problems)
  checkOverlaps(draft.seats, arrangement.spacing, problems)
  checkAreaIds(draft.areas, problems)
  warnOfUnusedCategories(draft, warnings)
}

const whole: Place = { path: '' }

function checkCount(problems: ProblemList, count: number, max: number, what: string): void {
  if (count > max) problems.add(whole, `there are ${count} ${what}; a map holds at most ${max}`)
}

function checkSeatIds(seats: readonly DraftSeat[], problems: ProblemList): void {
  const earlier = new Map<string, DraftSeat>()
  for (const seat of seats) {
    const seatId = composeSeatId(seat.section, seat.row, seat.number)
    const twin = earlier.get(seatId)
    if (!twin) earlier.set(seatId, seat)
    else if (twin.section === seat.section && twin.row === seat.row) {
      problems.add(seat.place, `seat ${quoted(seatId)} is already there: ${toldPlace(twin.place)}`)
    } else {
      problems.add(seat.place, `the seat_id ${quoted(seatId)} is the same as that of ${toldPlace(twin.place)}`)
    }
    if (isLongerThan(seatId, limits.seatIdCharacters)) {
      problems.add(seat.place, `the seat_id ${quoted(seatId)} is longer than ${limits.seatIdCharacters} characters`)
    }
  }
}

function checkAttributes(seats: readonly DraftSeat[], problems: ProblemList): void {
  const names = new Set<string>(knownAttributes)
  for (const seat of seats) {
    for (const name of seat.attributes) {
      if (names.has(name)) continue
      names.add(name)
      if (names.size === attributesMax + 1) {
        const own = attributesMax - knownAttributes.length
        problems.add(
          seat.place,
          `${quoted(name)} is one attribute too many: a map has at most ${own} besides the known ones`,
        )
      }
    }
  }
}

/**
 * Two seats are one on top of the other when they are closer than a quarter of what seats of this map usually are apart:
 * units differ from plan to plan, so there is no absolute measure. Seats are looked up in a grid with cells of twice that
 * size, where what is near lies in at most four cells. A seat that overlaps is not entered, so that no cell ever holds more
 * than nine, also when a file piles up 100,000 in one place.
 */
function checkOverlaps(seats: readonly DraftSeat[], spacing: number, problems: ProblemList): void {
  const distance = Math.max(spacing / 4, 0.01)
  const cells = new Map<number, DraftSeat[]>()
  for (const seat of seats) {
    if (!Number.isFinite(seat.x + seat.y)) continue
    const other = seatNear(cells, seat, distance)
    if (other) problems.add(seat.place, `the seat lies on top of another one: ${toldPlace(other.place)}`)
    else entryOf(cells, cellKey(cellOf(seat.x, distance), cellOf(seat.y, distance)), () => []).push(seat)
  }
}

function seatNear(cells: ReadonlyMap<number, DraftSeat[]>, seat: DraftSeat, distance: number): DraftSeat | undefined {
  const columnEnd = cellOf(seat.x + distance, distance)
  const rowEnd = cellOf(seat.y + distance, distance)
  for (let column = cellOf(seat.x - distance, distance); column <= columnEnd; column++) {
    for (let row = cellOf(seat.y - distance, distance); row <= rowEnd; row++) {
      for (const other of cells.get(cellKey(column, row)) ?? noSeats) {
        if ((seat.x - other.x) ** 2 + (seat.y - other.y) ** 2 < distance ** 2) return other
      }
    }
  }
  return undefined
}

function cellOf(coordinate: number, distance: number): number {
  return Math.floor(coordinate / (2 * distance))
}

/** Below 2^53: a coordinate is at most 3 x 100,000 (zone, row and seat), a cell at least 0.02 wide. */
function cellKey(column: number, row: number): number {
  return (column + 2 ** 25) * 2 ** 26 + (row + 2 ** 25)
}

const noSeats: readonly DraftSeat[] = []

function checkAreaIds(areas: readonly DraftArea[], problems: ProblemList): void {
  const earlier = new Map<string, DraftArea>()
  for (const area of areas) {
    const twin = earlier.get(area.areaId)
    if (twin) problems.add(area.place, `area ${quoted(area.areaId)} is already there: ${toldPlace(twin.place)}`)
    else earlier.set(area.areaId, area)
  }
}

function warnOfUnusedCategories(draft: Draft, warnings: ProblemList): void {
  const used = new Set([...draft.seats, ...draft.areas].map(({ category }) => category))
  for (const [no, { name }] of draft.categories.entries()) {
    if (!used.has(no)) warnings.add({ path: `categories[${no}]` }, `no seat and no area is of category ${quoted(name)}`)
  }
}

function toldPlace(place: Place): string {
  return 'line' in place ? `line ${place.line}` : place.path
}
