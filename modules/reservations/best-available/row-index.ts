import type { SeatMap } from '#catalog'
import { accessibleBits } from '../single-seat-rule.ts'
import { FitIndex } from './fit-index.ts'
import { RowScan, seatState, sizeBit } from './row-scan.ts'
import type { RowRanking } from './seat-quality.ts'

/**
 * Which rows take a party of a given size, best row first, kept up to date row by row. It says where to look, never what is
 * free: a change that it has not been told of costs a look too many or a row overlooked, not a wrong answer.
 *
 * A slot is a row in the ranking; a row with several price levels has several.
 */
export class RowIndex {
  /** Parties that fit without leaving a seat alone, and those that fit at all. */
  readonly clean: FitIndex
  readonly fitting: FitIndex
  readonly #ranking: RowRanking
  /** The slots of a row are a chain: its last, then from each to the one before; -1 ends it. */
  readonly #lastSlot: Int32Array
  readonly #slotBefore: Int32Array
  readonly #slotsOfSection: number[][]
  readonly #rowOf: Uint32Array
  readonly #scan: RowScan
  readonly #attributes: Uint16Array
  readonly #accessible: number
  readonly #isStale: Uint8Array
  readonly #stale: number[]

  constructor(map: SeatMap, ranking: RowRanking) {
    this.#ranking = ranking
    this.#lastSlot = new Int32Array(map.rows.length).fill(-1)
    this.#slotBefore = new Int32Array(ranking.rows.length)
    this.#slotsOfSection = map.sections.map(() => [])
    for (const [slot, row] of ranking.rows.entries()) {
      this.#slotBefore[slot] = this.#lastSlot[row]!
      this.#lastSlot[row] = slot
      this.#slotsOfSection[map.rows[row]!.section]!.push(slot)
    }
    this.clean = new FitIndex(ranking.rows.length)
    this.fitting = new FitIndex(ranking.rows.length)
    this.#rowOf = map.rowOf
    this.#scan = new RowScan(map)
    this.#attributes = map.attributes
    this.#accessible = accessibleBits(map)
    this.#isStale = new Uint8Array(map.rows.length).fill(1)
    this.#stale = map.rows.map((_, row) => row)
  }

  changed(seatNo: number): void {
    const row = this.#rowOf[seatNo]!
    if (this.#isStale[row] === 1) return
    this.#isStale[row] = 1
    this.#stale.push(row)
  }

  /** Reads the rows that changed again. */
  refresh(isFree: (seatNo: number) => boolean): void {
    for (const row of this.#stale) {
      this.#scan.load(row, seatNo => {
        if (!isFree(seatNo)) return seatState.taken
        return (this.#attributes[seatNo]! & this.#accessible) === 0 ? seatState.open : seatState.kept
      })
      const { clean, fitting } = this.#scan.fits()
      for (let slot = this.#lastSlot[row]!; slot !== -1; slot = this.#slotBefore[slot]!) {
        this.clean.set(slot, clean)
        this.fitting.set(slot, fitting)
      }
      this.#isStale[row] = 0
    }
    this.#stale.length = 0
  }

  rowAt(slot: number): number {
    return this.#ranking.rows[slot]!
  }

  /** The first slot in [from, to) of that section, or of any, that takes a party of `size`; -1 when there is none. */
  next(fits: FitIndex, from: number, to: number, { size, section }: { size: number; section?: number }): number {
    if (section === undefined) return fits.next(from, to, sizeBit(size))
    return this.#slotsOfSection[section]!.find(slot => slot >= from && slot < to && fits.has(slot, sizeBit(size))) ?? -1
  }
}
