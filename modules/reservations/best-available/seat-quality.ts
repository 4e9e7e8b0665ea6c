import type { SeatMap } from '#catalog'

/** The rows of each price level, best first. `rows` is one list; a row with seats of several levels is in it once for each. */
export interface RowRanking {
  rows: Uint32Array
  levels: readonly RankedLevel[]
}

/** Where a level begins and ends in `rows`. */
export interface RankedLevel {
  level: number
  from: number
  to: number
}

export interface Focus {
  x: number
  y: number
}

/**
 * Ranks rows by nearness: with a focus, the distance of the row's middle; without, the row's place among the rows of that
 * level in its section, so that the front rows of all sections come before the second rows.
 */
export function rankRows(map: SeatMap, levelOf: (seatNo: number) => number, focus: Focus | null): RowRanking {
  const ranked: { level: number; remoteness: number; row: number }[] = []
  const seen = new Map<number, number>()
  for (const [rowNo, row] of map.rows.entries()) {
    if (rowNo === map.sections[row.section]!.firstRow) seen.clear()
    const levels = new Set<number>()
    for (let i = 0; i < row.seatCount; i++) levels.add(levelOf(row.firstSeat + i))
    const middle = row.firstSeat + (row.seatCount >> 1)
    for (const level of levels) {
      const earlier = seen.get(level) ?? 0
      seen.set(level, earlier + 1)
      const remoteness = focus ? Math.hypot(map.x[middle]! - focus.x, map.y[middle]! - focus.y) : earlier
      ranked.push({ level, remoteness, row: rowNo })
    }
  }
  ranked.sort((a, b) => a.level - b.level || a.remoteness - b.remoteness || a.row - b.row)
  const levels: RankedLevel[] = []
  for (const [slot, { level }] of ranked.entries()) {
    const last = levels.at(-1)
    if (last?.level === level) last.to = slot + 1
    else levels.push({ level, from: slot, to: slot + 1 })
  }
  return { rows: Uint32Array.from(ranked, ({ row }) => row), levels }
}

/**
 * Where everybody looks, as far as the plan tells: when seats stand all around an empty middle, it is played in the round, and
 * the middle is it. Otherwise null: the middle of a hall with the stage at one end is row 15.
 */
export function focusOf(map: SeatMap): Focus | null {
  const middle = { x: map.size.width / 2, y: map.size.height / 2 }
  const clear = map.seatRadius * 10
  let directions = 0
  for (let seatNo = 0; seatNo < map.seatCount; seatNo++) {
    const dx = map.x[seatNo]! - middle.x
    const dy = map.y[seatNo]! - middle.y
    if (dx * dx + dy * dy < clear * clear) return null
    directions |= 1 << Math.floor((Math.atan2(dy, dx) / Math.PI + 1) * 6)
  }
  return (directions & allDirections) === allDirections ? middle : null
}

/** Twelve, like the hours. */
const allDirections = 0xfff
