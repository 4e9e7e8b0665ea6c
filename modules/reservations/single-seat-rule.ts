import type { SeatMap } from '#catalog'

/**
 * The single-seat rule (docs/concepts/seat-rules.md): a choice may not leave one free seat alone between taken seats, aisles
 * or the ends of its row, because nobody buys it. It is excused when
 *
 * - the gap was there before,
 * - the row offers no other way: the same number of seats, out of the same gaps, always leaves one alone,
 * - less than 5 % of the section is left, or
 * - it is about wheelchair and companion places. They are never left "alone": one is sold to a person who comes by themselves
 *   or whose companions sit elsewhere, so it is no loss. And a choice with one in it is not moved along the row: the place
 *   decides where the party sits.
 *
 * Everything is judged on the one picture that `isFree` gives. Counters kept elsewhere are not asked: a rule with two
 * pictures of a row is a rule by which the map accepts what the server refuses.
 *
 * `isFree` should say of a seat what the buyer may count on: taken by others, set aside and blocked are all not free; of
 * another price level is free. Chosen seats count as free whatever it says: whether they are is a question of its own.
 * With `levelOf`, another way has to be one at the same price levels. Null: nothing against it.
 *
 * Costs the chosen seats and their neighbours; when a seat would be left alone, also their rows, and their sections until
 * 5 % of free seats were met.
 */
export function singleSeatRule(question: {
  map: SeatMap
  isFree: (seatNo: number) => boolean
  chosen: readonly number[]
  levelOf?: (seatNo: number) => number
}): SeatRuleRefusal | null {
  const { rowOf } = question.map
  const picture = new Picture(question)
  const alone: number[] = []
  for (const seatNo of picture.chosen) {
    for (let next = seatNo - 1; next <= seatNo + 1; next += 2) {
      if (picture.joins(seatNo, next) && picture.isLeftAlone(next) && !alone.includes(next)) alone.push(next)
    }
  }
  if (alone.length === 0) return null
  const refusedRows = new Set(alone.map(seatNo => rowOf[seatNo]!))
  for (const rowNo of refusedRows) {
    if (!picture.offersAnotherWay(rowNo) || picture.isNearlySoldOut(rowNo)) refusedRows.delete(rowNo)
  }
  if (refusedRows.size === 0) return null
  const seatNos = alone.filter(seatNo => refusedRows.has(rowOf[seatNo]!)).sort((a, b) => a - b)
  return { ok: false, code: 'seat-rule', rule: 'single-seat', seatNos }
}

export interface SeatRuleRefusal {
  ok: false
  code: 'seat-rule'
  rule: 'single-seat'
  /** The seats that would be left alone, not the chosen ones. */
  seatNos: number[]
}

/** The bits of the places that are kept for people who need them; see `SeatMap.attributes`. */
export function accessibleBits(map: SeatMap): number {
  return map.attributeBit('wheelchair') | map.attributeBit('companion')
}

/** The rows before and after the choice. */
class Picture {
  /** Few: a list is quicker than a set. */
  readonly chosen: readonly number[]
  readonly #map: SeatMap
  readonly #isFree: (seatNo: number) => boolean
  readonly #levelOf: ((seatNo: number) => number) | undefined
  readonly #accessible: number

  constructor({ map, isFree, chosen, levelOf }: Parameters<typeof singleSeatRule>[0]) {
    this.chosen = chosen
    this.#map = map
    this.#isFree = isFree
    this.#levelOf = levelOf
    this.#accessible = accessibleBits(map)
  }

  /** The two seats, whose numbers follow each other, are neighbours without an aisle between. */
  joins(a: number, b: number): boolean {
    return this.#map.joinsNext[Math.min(a, b)] === 1
  }

  /** After the choice the seat is free, and nothing beside it is. */
  isLeftAlone(seatNo: number): boolean {
    if (this.#isAccessible(seatNo) || !this.#isFreeAfter(seatNo)) return false
    return ![seatNo - 1, seatNo + 1].some(next => this.joins(seatNo, next) && this.#isFreeAfter(next))
  }

  /** The party could have taken as many seats of the same gaps without leaving anybody's seat alone. */
  offersAnotherWay(rowNo: number): boolean {
    const party = this.chosen.filter(seatNo => this.#map.rowOf[seatNo] === rowNo).sort((a, b) => a - b)
    if (party.some(seatNo => this.#isAccessible(seatNo))) return false
    const levelOf = this.#levelOf ?? (() => 0)
    const levels = new Set(party.map(levelOf))
    // All ways at once: bit k of these stands for "k seats can be taken so far", by what the seats passed last are like.
    let taken = 1n
    for (const [first, last] of this.#gapsOf(party)) {
      let oneLeft = 0n
      let moreLeft = 0n
      for (let seatNo = first; seatNo <= last; seatNo++) {
        const isAccessible = this.#isAccessible(seatNo)
        const mayTake = !isAccessible && levels.has(levelOf(seatNo))
        const nowTaken = mayTake ? (taken | moreLeft) << 1n : 0n
        moreLeft |= isAccessible ? taken | oneLeft : oneLeft
        oneLeft = isAccessible ? 0n : taken
        taken = nowTaken
      }
      // A gap of one that stays as it was leaves nobody's seat alone.
      taken |= moreLeft | (first === last ? oneLeft : 0n)
    }
    return ((taken >> BigInt(party.length)) & 1n) === 1n
  }

  /** Less than 5 % of the row's section was free before the choice. */
  isNearlySoldOut(rowNo: number): boolean {
    const { firstSeat, seatCount } = this.#map.sections[this.#map.rows[rowNo]!.section]!
    let free = 0
    for (let i = 0; i < seatCount; i++) {
      if (this.#isFreeBefore(firstSeat + i) && ++free * 20 >= seatCount) return false
    }
    return true
  }

  /** The gaps (first and last seat) that the seats, sorted, are taken from. */
  #gapsOf(seatNos: readonly number[]): [number, number][] {
    const gaps: [number, number][] = []
    for (const seatNo of seatNos) {
      if (seatNo <= (gaps.at(-1)?.[1] ?? -1)) continue
      let first = seatNo
      let last = seatNo
      while (first > 0 && this.joins(first - 1, first) && this.#isFreeBefore(first - 1)) first--
      while (this.joins(last, last + 1) && this.#isFreeBefore(last + 1)) last++
      gaps.push([first, last])
    }
    return gaps
  }

  #isFreeBefore(seatNo: number): boolean {
    return this.chosen.includes(seatNo) || this.#isFree(seatNo)
  }

  #isFreeAfter(seatNo: number): boolean {
    return !this.chosen.includes(seatNo) && this.#isFree(seatNo)
  }

  #isAccessible(seatNo: number): boolean {
    return (this.#map.attributes[seatNo]! & this.#accessible) !== 0
  }
}
