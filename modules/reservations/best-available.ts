import type { SeatMap } from '#catalog'
import { assert } from '#kernel/assert.ts'
import type { Random } from '#kernel/random.ts'
import { RowIndex } from './best-available/row-index.ts'
import { RowScan } from './best-available/row-scan.ts'
import { Search, type SearchGround } from './best-available/search.ts'
import { type Focus, focusOf, rankRows } from './best-available/seat-quality.ts'

export interface Wish {
  /** Seats, companions included. */
  quantity: number
  /** Side by side in one row, no aisle between; otherwise the party may be split when it must be. */
  together: boolean
  /** Index into the map's sections. */
  section?: number
  level?: number
  /** Most that one seat may cost, minor units; not the sum. */
  maxAmount?: number
  /** With at least one wheelchair place, the others beside it. */
  accessible?: boolean
}

export interface House {
  map: SeatMap
  /** Price level of a seat in this event. */
  levelOf: (seatNo: number) => number
  /** Minor units. The dearest level counts as the best, then the one with the lower number. */
  amountOf: (level: number) => number
  /** The event's single-seat rule: what it refuses is given only by `allow`, and then last. */
  rule: 'enforce' | 'allow'
  /** Where everybody looks; null: row numbers say better what is near. Absent: what the map tells. */
  focus?: Focus | null
}

/**
 * Best available: the system picks. The order of preference and its reasons are in docs/concepts/seat-rules.md.
 *
 * Built once per event and version of its price levels (5 ms for 31,000 seats, 80 KB). Rows are ranked then; of each row it
 * is remembered which party sizes fit, in a tree over the ranking, so that a search goes straight to the best row that takes
 * the party and reads the seats of that row alone. `changed` only notes the row; the next search reads it again.
 *
 * Measured on the arena of 30,784 seats, one search with its claim and the release of an older one, against a scan of all
 * places (2 cores, busy):
 *
 *   house            empty    half full    90 % taken    99.5 % taken
 *   two together      4 µs         3 µs          3 µs            4 µs
 *   four, may split   4 µs         4 µs          5 µs           45 µs
 *   the scan       1500 µs       700 µs        230 µs          150 µs
 *
 * Selling the whole arena through it, party after party, takes 60 ms.
 */
export class BestAvailable {
  readonly #ground: SearchGround

  constructor(house: House) {
    const { map, levelOf, amountOf, focus = focusOf(map) } = house
    const ranking = rankRows(map, levelOf, focus)
    const wheelchair = map.attributeBit('wheelchair')
    const hasWheelchair = map.rows.map(({ firstSeat, seatCount }) => {
      return map.attributes.subarray(firstSeat, firstSeat + seatCount).some(bits => (bits & wheelchair) !== 0)
    })
    this.#ground = {
      house,
      rows: new RowIndex(map, ranking),
      scan: new RowScan(map),
      levels: ranking.levels.toSorted((a, b) => amountOf(b.level) - amountOf(a.level) || a.level - b.level),
      bays: [...ranking.rows.keys()].filter(slot => hasWheelchair[ranking.rows[slot]!]),
    }
  }

  /** To be told of every change of what `isFree` says, in both directions: taken, claimed, let go, run out. */
  changed(seatNo: number): void {
    this.#ground.rows.changed(seatNo)
  }

  /**
   * The seats for a wish, by seat_no, or null: nothing matches. `isFree` is the truth of the moment and is asked again for
   * every seat given; to ask with another truth (the seats of a hold that is to be replaced), say `changed` of the seats
   * concerned before and after.
   *
   * `skip` passes over that many rows that would do: see `rowsToSkip`.
   */
  find(wish: Wish, isFree: (seatNo: number) => boolean, skip = 0): number[] | null {
    assert(Number.isInteger(wish.quantity) && wish.quantity > 0, 'a wish is for a number of seats')
    this.#ground.rows.refresh(isFree)
    const search = new Search(this.#ground, wish, isFree)
    return search.together(skip) ?? (wish.together ? null : search.apart(skip))
  }
}

/**
 * How many good rows to pass over in the n-th attempt for one wish. Two processes see the same best seats and would race for
 * them again and again; who lost once looks a little further back, at random. Within one process claims part the askers.
 */
export function rowsToSkip(attempt: number, random: Random): number {
  return attempt === 0 ? 0 : Math.floor(random.fraction() * 4 ** Math.min(attempt, 4))
}
