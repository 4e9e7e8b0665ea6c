import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BestAvailable, type Wish } from '../best-available.ts'
import { singleSeatRule } from '../single-seat-rule.ts'
import { type DrawnHall, drawnHall } from './drawn-hall.ts'

const amountOf = (level: number) => 1000 - 100 * level
const pinned = { seed: 20_26_11_22, numRuns: 600 }

const drawnRow = (signs: string) => {
  return fc
    .array(fc.constantFrom(...signs), { minLength: 1, maxLength: 12 })
    .map(row =>
      row
        .join('')
        .replaceAll(/^\|+|\|+$/g, '')
        .replaceAll(/\|+/g, '|'),
    )
    .filter(row => row !== '')
}
const drawnRows = (signs: string) => fc.array(drawnRow(signs), { minLength: 1, maxLength: 4 })
const anyHall = fc.record({ A: drawnRows('.....xx|1vWC'), B: drawnRows('...x11112|') })
const plainHall = fc.record({ A: drawnRows('......xx|'), B: drawnRows('......xxxx|') })
const rule = fc.constantFrom('enforce', 'allow')
const wish = fc.record<Wish>({
  quantity: fc.integer({ min: 1, max: 6 }),
  together: fc.constant(true),
  section: fc.option(fc.integer({ min: 0, max: 1 }), { nil: undefined, freq: 1 }),
  level: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined, freq: 1 }),
  maxAmount: fc.option(fc.constantFrom(1000, 900, 800, 700), { nil: undefined, freq: 1 }),
})
/** Seats that change between one question and the next, and the question. */
const asked = fc.array(fc.tuple(fc.array(fc.nat(99), { maxLength: 8 }), wish), { minLength: 1, maxLength: 6 })

test('property: it gives the seats that looking at every place in the house calls the best, whatever changed before', () => {
  let matches = 0
  fc.assert(
    fc.property(anyHall, rule, asked, (drawn, rule, questions) => {
      const hall = drawnHall(drawn)
      const best = new BestAvailable({ ...hall, amountOf, rule })
      for (const [changes, wish] of questions) {
        for (const change of changes) {
          const seatNo = change % hall.map.seatCount
          hall.free[seatNo] = 1 - hall.free[seatNo]!
          best.changed(seatNo)
        }
        const seats = best.find(wish, hall.isFree)
        if (seats) matches++
        assert.deepEqual(seats, bestOfAll(hall, wish, rule), hall.marked([], 'O')?.join(' / '))
      }
    }),
    pinned,
  )
  assert.ok(matches > 200, `only ${matches} wishes were fulfilled`)
})

test('property: what it gives under the rule, the rule accepts, together or split, skipping or not', () => {
  fc.assert(
    fc.property(anyHall, wish, fc.boolean(), fc.boolean(), fc.nat(9), (drawn, wish, together, accessible, skip) => {
      const hall = drawnHall(drawn)
      const best = new BestAvailable({ ...hall, amountOf, rule: 'enforce' })
      const seats = best.find({ ...wish, together, accessible }, hall.isFree, skip)
      if (seats === null) return
      assert.equal(seats.length, wish.quantity)
      assert.equal(new Set(seats).size, seats.length)
      assert.ok(seats.every(hall.isFree))
      assert.equal(singleSeatRule({ ...hall, chosen: seats }), null)
      if (!accessible) assert.ok(seats.every(n => (hall.map.attributes[n]! & 3) === 0))
      else assert.ok(seats.some(n => (hall.map.attributes[n]! & 1) !== 0))
      if (wish.section !== undefined) assert.ok(seats.every(n => hall.map.sectionOf(n) === wish.section))
      if (wish.level !== undefined) assert.ok(seats.every(n => hall.levelOf(n) === wish.level))
      if (wish.maxAmount !== undefined) assert.ok(seats.every(n => amountOf(hall.levelOf(n)) <= wish.maxAmount!))
    }),
    { ...pinned, numRuns: 2000 },
  )
})

test('property: a party that may be split is seated while there are seats, in the fewest groups possible', () => {
  fc.assert(
    fc.property(plainHall, rule, fc.integer({ min: 1, max: 20 }), fc.nat(3), (drawn, rule, quantity, skip) => {
      const hall = drawnHall(drawn)
      const best = new BestAvailable({ ...hall, amountOf, rule })
      const seats = best.find({ quantity, together: false }, hall.isFree, skip)
      const gaps = runsOf(hall, hall.isFree).map(run => run.length)
      if (gaps.reduce((sum, length) => sum + length, 0) < quantity) return assert.equal(seats, null)
      let fewest = 0
      for (let left = quantity; left > 0; left -= gaps.toSorted((a, b) => b - a)[fewest++]!);
      const groups = runsOf(hall, n => seats!.includes(n)).length
      assert.ok(groups <= fewest, `${groups} groups, ${fewest} would do: ${hall.marked(seats, 'O')?.join(' / ')}`)
    }),
    pinned,
  )
})

test('property: an accessible offer exists exactly when free seats side by side include a wheelchair place', () => {
  fc.assert(
    fc.property(drawnRows('WWCC..xx|'), fc.integer({ min: 1, max: 5 }), (drawn, quantity) => {
      const hall = drawnHall(drawn)
      const best = new BestAvailable({ ...hall, amountOf, rule: 'enforce' })
      const seats = best.find({ quantity, together: true, accessible: true }, hall.isFree)
      const isWheelchair = (n: number) => (hall.map.attributes[n]! & 1) !== 0
      const places = placesIn(hall, hall.isFree, quantity).filter(place => place.some(isWheelchair))
      assert.equal(seats !== null, places.length > 0)
      if (seats) assert.ok(places.some(place => place[0] === seats[0]))
    }),
    pinned,
  )
})

test('property: skipping never turns a yes into a no, nor a clean place into one that leaves a seat alone', () => {
  fc.assert(
    fc.property(anyHall, wish, fc.nat(12), (drawn, wish, skip) => {
      const hall = drawnHall(drawn)
      const best = new BestAvailable({ ...hall, amountOf, rule: 'allow' })
      const [first, later] = [best.find(wish, hall.isFree), best.find(wish, hall.isFree, skip)]
      assert.equal(first === null, later === null)
      if (first) assert.deepEqual(stepOf(hall, later!), stepOf(hall, first))
    }),
    pinned,
  )
})

/** The seats of each run of such seats side by side. */
function runsOf({ map }: DrawnHall, isSuch: (seatNo: number) => boolean): number[][] {
  const runs: number[][] = []
  for (let n = 0; n < map.seatCount; n++) {
    if (!isSuch(n)) continue
    if (runs.at(-1)?.at(-1) === n - 1 && map.joinsNext[n - 1] === 1) runs.at(-1)!.push(n)
    else runs.push([n])
  }
  return runs
}

function placesIn(hall: DrawnHall, isSuch: (seatNo: number) => boolean, size: number): number[][] {
  return runsOf(hall, isSuch).flatMap(run => {
    return Array.from({ length: Math.max(0, run.length - size + 1) }, (_, i) => run.slice(i, i + size))
  })
}

/** What the seats put up with, from nothing (0) to both a seat left alone (1) and a restricted view (2). */
function stepOf(hall: DrawnHall, seats: readonly number[]): number {
  const after = runsOf(hall, n => hall.isFree(n) && !seats.includes(n))
  const isBeside = (n: number) => {
    return seats.some(s => Math.abs(s - n) === 1 && hall.map.joinsNext[Math.min(s, n)] === 1)
  }
  const alone = after.filter(run => run.length === 1 && isBeside(run[0]!) && (hall.map.attributes[run[0]!]! & 3) === 0)
  return Number(alone.length > 0) + 2 * Number(seats.some(n => (hall.map.attributes[n]! & 4) !== 0))
}

/** The order of preference as its page tells it, by sorting every place in the house. */
function bestOfAll(hall: DrawnHall, wish: Wish, rule: string): number[] | null {
  const { map, levelOf, isFree } = hall
  const isRight = (level: number) => (wish.level ?? level) === level && amountOf(level) <= (wish.maxAmount ?? 9999)
  const isEligible = (n: number) => {
    const isElsewhere = wish.section !== undefined && map.sectionOf(n) !== wish.section
    return isFree(n) && (map.attributes[n]! & 3) === 0 && isRight(levelOf(n)) && !isElsewhere
  }
  const levelsOfRow = map.rows.map(({ firstSeat, seatCount }) => {
    return new Set(Array.from({ length: seatCount }, (_, i) => levelOf(firstSeat + i)))
  })
  const places = placesIn(hall, isEligible, wish.quantity)
    .filter(seats => {
      return rule === 'allow' || singleSeatRule({ ...hall, chosen: seats }) === null
    })
    .map(seats => {
      const rowNo = map.rowOf[seats[0]!]!
      const row = map.rows[rowNo]!
      const level = Math.min(...[...levelsOfRow[rowNo]!].filter(isRight))
      const { firstRow } = map.sections[row.section]!
      const rowsBefore = levelsOfRow.slice(firstRow, rowNo).filter(levels => levels.has(level)).length
      const offCentre = Math.abs(seats[0]! + seats.at(-1)! - 2 * row.firstSeat - row.seatCount + 1)
      const openSides = [seats[0]! - 1, seats.at(-1)! + 1].filter((n, side) => {
        return map.joinsNext[side === 0 ? n : n - 1] === 1 && isFree(n)
      }).length
      return { seats, order: [stepOf(hall, seats), level, rowsBefore, rowNo, offCentre, openSides, seats[0]!] }
    })
  return places.sort((a, b) => compare(a.order, b.order))[0]?.seats ?? null
}

function compare(a: readonly number[], b: readonly number[]): number {
  const differs = a.findIndex((value, i) => value !== b[i])
  return differs === -1 ? 0 : a[differs]! - b[differs]!
}
