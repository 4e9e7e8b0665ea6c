import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { singleSeatRule } from '../single-seat-rule.ts'
import { drawnHall } from './drawn-hall.ts'

/** The drawing with the seats that would be left alone marked `!`, or null when nothing is against the choice. */
function judged(...rows: string[]): string[] | null {
  const hall = drawnHall(rows)
  return hall.marked(singleSeatRule(hall)?.seatNos ?? null, '!')
}

test('a choice may not leave one seat alone between itself and a taken seat', () => {
  assert.deepEqual(judged('xx.**...xx'), ['xx!**...xx'])
  assert.deepEqual(judged('xx...**.xx'), ['xx...**!xx'])
})

test('the end of a row counts as taken', () => {
  assert.deepEqual(judged('.**....'), ['!**....'])
  assert.deepEqual(judged('....**.'), ['....**!'])
})

test('an aisle counts as taken', () => {
  assert.deepEqual(judged('.....|.**...'), ['.....|!**...'])
})

test('a row does not go on in the next', () => {
  assert.deepEqual(judged('....**.', '.......'), ['....**!', '.......'])
})

test('a seat left out amid the choice is left alone', () => {
  assert.deepEqual(judged('*.*....'), ['*!*....'])
})

test('every seat that would be left alone is named', () => {
  assert.deepEqual(judged('.**.', '.*..', '....'), ['!**!', '!*..', '....'])
})

test('two seats are not left alone', () => {
  assert.equal(judged('..**..'), null)
})

test('a choice that takes all of a gap leaves nobody alone', () => {
  assert.equal(judged('xx**xx'), null)
  assert.equal(judged('*'), null)
})

test('a gap that was there before is no reason to refuse', () => {
  assert.equal(judged('.x**....'), null)
  assert.equal(judged('xx**x.x...'), null)
})

test('when the gap offers no other way, one seat may stay', () => {
  assert.equal(judged('xx.**xx'), null)
  assert.equal(judged('xx**.|....'), null)
  assert.equal(judged('xx.*xx'), null)
  assert.equal(judged('xx*.*xx'), null)
})

test('a gap of the row that the party did not choose from is not another way', () => {
  assert.equal(judged('.**x.......'), null)
})

test('a party in two gaps of a row could have moved over from one to the other', () => {
  assert.deepEqual(judged('.*x.*xx'), ['!*x!*xx'])
  assert.equal(judged('**x.*xx'), null)
})

test('in the last 5 % of a section the rule is suspended', () => {
  const withTaken = (taken: number) => judged('.**.', 'x'.repeat(taken))
  assert.equal(withTaken(77), null, '4 of 81')
  assert.notEqual(withTaken(76), null, '4 of 80')
})

test('each section is judged by what is left in it', () => {
  const hall = drawnHall({ A: ['.**.', 'x'.repeat(96)], B: ['.**.', '.'.repeat(96)] })
  assert.deepEqual(hall.marked(singleSeatRule(hall)!.seatNos, '!')?.[2], '!**!')
  assert.deepEqual(hall.marked(singleSeatRule(hall)!.seatNos, '!')?.[0], '.**.')
})

test('a wheelchair or companion place is never left alone', () => {
  assert.equal(judged('xW**....x'), null)
  assert.equal(judged('xC**....x'), null)
  assert.equal(judged('x@Cx'), null)
  assert.notEqual(judged('x.**....x'), null)
})

test('a seat beside a free wheelchair place is not alone', () => {
  assert.deepEqual(judged('x.**.Wx'), ['x!**.Wx'])
  assert.deepEqual(judged('x.**.wx'), ['x!**!wx'])
})

test('a party with a wheelchair or companion place is not asked to move along the row', () => {
  assert.equal(judged('x.@&...x'), null)
  assert.equal(judged('x.*@&..x'), null)
  assert.notEqual(judged('x.***..x'), null)
})

test('a chosen seat counts as free even if it is not', () => {
  const hall = drawnHall(['.**....'])
  assert.deepEqual(singleSeatRule({ ...hall, isFree: n => n !== 1 && hall.isFree(n) })?.seatNos, [0])
})

test('with price levels, another way has to be one at the same price levels', () => {
  const hall = drawnHall(['x.11.x'])
  const chosen = [2, 3]
  assert.deepEqual(singleSeatRule({ map: hall.map, isFree: hall.isFree, chosen })?.seatNos, [1, 4])
  assert.equal(singleSeatRule({ ...hall, chosen }), null)
  assert.deepEqual(singleSeatRule({ ...drawnHall(['x.111x']), chosen: [2, 3] })?.seatNos, [1, 4])
})

const drawnRow = fc
  .array(fc.constantFrom('.', '.', '.', '.', '*', '*', 'x', 'x', '|', 'W', 'C', '@', '1'), {
    minLength: 1,
    maxLength: 11,
  })
  .map(signs =>
    signs
      .join('')
      .replaceAll(/^\|+|\|+$/g, '')
      .replaceAll(/\|+/g, '|'),
  )
  .filter(row => row !== '')
const pinned = { seed: 20_26_11_22, numRuns: 3000 }

test('property: it refuses exactly what trying out every other choice calls avoidable', () => {
  let refusals = 0
  fc.assert(
    fc.property(drawnRow, fc.boolean(), (row, minded) => {
      const hall = drawnHall([row])
      const question = { ...hall, levelOf: minded ? hall.levelOf : undefined }
      const expected = avoidableSingles(question)
      if (expected.length > 0) refusals++
      assert.deepEqual(singleSeatRule(question)?.seatNos ?? [], expected)
    }),
    pinned,
  )
  assert.ok(refusals > 200, `only ${refusals} of the drawn choices were refused`)
})

test('property: left and right are the same to it', () => {
  fc.assert(
    fc.property(drawnRow, row => {
      const mirrored = [...row].reverse().join('')
      const verdict = judged(row)?.[0] ?? null
      assert.equal(judged(mirrored)?.[0] ?? null, verdict === null ? null : [...verdict].reverse().join(''))
    }),
    pinned,
  )
})

test('property: rows are judged apart from each other', () => {
  fc.assert(
    fc.property(drawnRow, drawnRow, (one, other) => {
      const hall = drawnHall([one, other])
      const inFirst = hall.chosen.filter(n => hall.map.rowOf[n] === 0)
      const inSecond = hall.chosen.filter(n => hall.map.rowOf[n] === 1)
      const apart = [inFirst, inSecond].flatMap(chosen => singleSeatRule({ ...hall, chosen })?.seatNos ?? [])
      assert.deepEqual(singleSeatRule(hall)?.seatNos ?? [], apart)
    }),
    pinned,
  )
})

test('when parties choose at will, the rule saves many of the seats that would be left alone without it', () => {
  const seatsLeftAlone = (isRuled: boolean) => {
    const hall = drawnHall(Array.from({ length: 40 }, () => '.'.repeat(25)))
    let drawn = 1
    for (let choices = 0; choices < 20_000; choices++) {
      drawn = (drawn * 48271) % 0x7fffffff
      const first = drawn % 1000
      const chosen = Array.from({ length: 2 + (choices % 3) }, (_, i) => first + i)
      if (!chosen.every(n => n < 1000 && hall.map.rowOf[n] === hall.map.rowOf[first] && hall.isFree(n))) continue
      if (isRuled && singleSeatRule({ ...hall, chosen })) continue
      for (const n of chosen) hall.free[n] = 0
    }
    return hall.free.reduce((sum, isFree) => sum + isFree, 0)
  }
  const [without, withRule] = [seatsLeftAlone(false), seatsLeftAlone(true)]
  assert.ok(withRule * 4 < without * 3, `of 1,000 seats ${without} are lost without the rule, ${withRule} with it`)
})

/** The rule as its page tells it, by trying out everything. */
function avoidableSingles(question: Parameters<typeof singleSeatRule>[0]): number[] {
  const { map, isFree, levelOf } = question
  const chosen = new Set(question.chosen)
  const isAccessible = (n: number) => (map.attributes[n]! & 3) !== 0
  const isFreeBefore = (n: number) => chosen.has(n) || isFree(n)
  const gapsAfter = (taken: ReadonlySet<number>) => {
    const gaps: number[][] = []
    for (let n = 0; n < map.seatCount; n++) {
      if (taken.has(n) || !isFreeBefore(n)) continue
      if (gaps.at(-1)?.at(-1) === n - 1 && map.joinsNext[n - 1] === 1) gaps.at(-1)!.push(n)
      else gaps.push([n])
    }
    return gaps
  }
  const before = gapsAfter(new Set())
  const newSingles = (taken: ReadonlySet<number>) => {
    const old = new Set(before.filter(gap => gap.length === 1).flat())
    return gapsAfter(taken).flatMap(gap => (gap.length > 1 || old.has(gap[0]!) || isAccessible(gap[0]!) ? [] : gap))
  }
  const singles = newSingles(chosen)
  if (singles.length === 0 || [...chosen].some(isAccessible)) return []
  const levels = new Set([...chosen].map(n => levelOf?.(n)))
  const pool = before
    .filter(gap => gap.some(n => chosen.has(n)))
    .flat()
    .filter(n => !isAccessible(n) && levels.has(levelOf?.(n)))
  for (let subset = 0; subset < 2 ** pool.length; subset++) {
    const other = new Set(pool.filter((_, i) => (subset >> i) & 1))
    if (other.size === chosen.size && newSingles(other).length === 0) return singles
  }
  return []
}
