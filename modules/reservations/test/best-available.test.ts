import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemRandom } from '#kernel/random.ts'
import { focusOf } from '../best-available/seat-quality.ts'
import { BestAvailable, type House, rowsToSkip, type Wish } from '../best-available.ts'
import { singleSeatRule } from '../single-seat-rule.ts'
import { type DrawnHall, drawnHall } from './drawn-hall.ts'

/** The drawing with the seats given marked `O`, or null when nothing matches. */
function given(hall: DrawnHall, wish: Partial<Wish>, house: Partial<House> = {}, skip = 0): string[] | null {
  return hall.marked(bestAvailable(hall, house).find({ quantity: 2, together: true, ...wish }, hall.isFree, skip), 'O')
}

function bestAvailable(hall: DrawnHall, house: Partial<House> = {}): BestAvailable {
  const amountOf = (level: number) => 9000 - 1000 * level
  return new BestAvailable({ map: hall.map, levelOf: hall.levelOf, amountOf, rule: 'enforce', ...house })
}

test('the middle of the first row comes first', () => {
  assert.deepEqual(given(drawnHall(['.......', '.......']), { quantity: 3 }), ['..OOO..', '.......'])
})

test('a full row sends the party to the next', () => {
  assert.deepEqual(given(drawnHall(['xxx.xxx', '.......']), { quantity: 3 }), ['xxx.xxx', '..OOO..'])
})

test('the better price level comes before the better row', () => {
  assert.deepEqual(given(drawnHall({ A: ['1111'], B: ['....'] }), {}), ['1111', 'OO..'])
})

test('of price levels the dearest is the better, in whatever order the plan names them', () => {
  const amountOf = (level: number) => [5000, 7000, 6000][level]!
  assert.deepEqual(given(drawnHall(['....', '2222', '1111']), {}, { amountOf }), ['....', '2222', 'OO11'])
})

test('the first rows of all sections come before the second rows', () => {
  const hall = drawnHall({ A: ['x..x', '....'], B: ['....', '....'] })
  for (const n of [1, 2]) hall.free[n] = 0
  assert.deepEqual(given(hall, {}), ['x..x', '....', 'OO..', '....'])
})

test('no aisle runs through a party', () => {
  assert.deepEqual(given(drawnHall(['..|..|..', '.......']), { quantity: 3 }), ['..|..|..', '..OOO..'])
})

test('side blocks of a row give their seats nearest to the middle', () => {
  assert.deepEqual(given(drawnHall(['.....|xx|.....']), {}), ['...OO|xx|.....'])
})

test('of two places equally near to the middle the one that fits is better than the one that opens a gap', () => {
  assert.deepEqual(given(drawnHall(['....xx..|..']), {}), ['....xxOO|..'])
})

test('nobody is left alone while any other row takes the party', () => {
  assert.deepEqual(given(drawnHall(['...', '..', '...']), {}), ['...', 'OO', '...'])
})

test('when nothing else is left, one seat may stay alone', () => {
  assert.deepEqual(given(drawnHall(['...', '.', '...']), {}), ['OO.', '.', '...'])
})

test('a party is not asked to take another price level for the sake of the rule', () => {
  assert.deepEqual(given(drawnHall(['x.11.x']), { level: 1 }), ['x.OO.x'])
})

test('what the rule refuses is given only where the rule is off', () => {
  const hall = drawnHall(['.11..1'])
  assert.ok(singleSeatRule({ ...hall, chosen: [1, 2] }), 'taken apart, two of that level would leave nobody alone')
  assert.equal(given(hall, { level: 1 }, { rule: 'enforce' }), null)
  assert.deepEqual(given(hall, { level: 1 }, { rule: 'allow' }), ['.OO..1'])
})

test('seats with a restricted view come last', () => {
  assert.deepEqual(given(drawnHall(['vvvv', '...', 'vvvv']), {}), ['vvvv', 'OO.', 'vvvv'])
  assert.deepEqual(given(drawnHall(['vvvv', '.', 'vvvv']), {}), ['OOvv', '.', 'vvvv'])
})

test('a section, a price level and a price per seat limit the search', () => {
  const hall = drawnHall({ A: ['....', '1111', '2222'], B: ['....', '1111', '2222'] })
  assert.deepEqual(given(hall, { section: 1 })?.[3], 'OO..')
  assert.deepEqual(given(hall, { level: 2 })?.[2], 'OO22')
  assert.deepEqual(given(hall, { maxAmount: 8000 })?.[1], 'OO11')
  assert.deepEqual(given(hall, { maxAmount: 7999, section: 1 })?.[5], 'OO22')
  assert.equal(given(hall, { maxAmount: 6999 }), null)
  assert.equal(given(hall, { level: 0, maxAmount: 8000 }), null)
})

test('a party that must be together is refused rather than split', () => {
  const hall = drawnHall(['..x..', '..x..'])
  assert.equal(given(hall, { quantity: 3 }), null)
  assert.notEqual(given(hall, { quantity: 3, together: false }), null)
})

test('a party that may be split stays together if it can', () => {
  assert.deepEqual(given(drawnHall(['..x..', '.....']), { quantity: 4, together: false }), ['..x..', 'OOOO.'])
})

test('a split party sits in as few groups as possible', () => {
  const hall = drawnHall(['.x.x.x', '..x...', '.x.x.x'])
  assert.deepEqual(given(hall, { quantity: 5, together: false }), ['.x.x.x', 'OOxOOO', '.x.x.x'])
})

test('the groups of a split party sit near each other', () => {
  const hall = drawnHall(['....', 'xxxx', 'xxxx', '...x', '..xx', 'xxxx', 'xxxx', '...x'])
  for (const n of [0, 1, 2, 3]) hall.free[n] = 0
  assert.deepEqual(given(hall, { quantity: 5, together: false })?.slice(3), ['OOOx', 'OOxx', 'xxxx', 'xxxx', '...x'])
})

test('the groups of a split party stay in one section while it has room', () => {
  const wish = { quantity: 5, together: false }
  const roomy = drawnHall({ A: ['..xx', 'xxxx', 'xxxx', '...x'], B: ['..xx'] })
  assert.deepEqual(given(roomy, wish), ['OOxx', 'xxxx', 'xxxx', 'OOOx', '..xx'])
  const full = drawnHall({ A: ['xxxx', 'xxxx', 'xxxx', '...x'], B: ['..xx'] })
  assert.deepEqual(given(full, wish), ['xxxx', 'xxxx', 'xxxx', 'OOOx', 'OOxx'])
})

test('a party larger than the house gets nothing, and the search leaves no traces', () => {
  const hall = drawnHall(['..x', '..x'])
  const best = bestAvailable(hall)
  for (const together of [true, false]) assert.equal(best.find({ quantity: 5, together }, hall.isFree), null)
  assert.deepEqual(best.find({ quantity: 4, together: false }, hall.isFree), [0, 1, 3, 4])
  assert.deepEqual(best.find({ quantity: 2, together: true }, hall.isFree), [0, 1])
})

test('a split that the rule refuses as a whole is not given', () => {
  const hall = drawnHall(['11.|1..1'])
  const wish = { quantity: 3, level: 1, together: false }
  assert.equal(given(hall, wish), null)
  assert.deepEqual(given(hall, wish, { rule: 'allow' }), ['OO.|O..1'])
})

test('who does not ask for accessible places is not given them, even when nothing else is left', () => {
  assert.equal(given(drawnHall(['WCWC', 'xxxx']), { quantity: 1 }), null)
  assert.equal(given(drawnHall(['WCWC', 'x.xx']), { quantity: 2, together: false }), null)
})

test('who asks gets a wheelchair place and the companion seat that belongs to it', () => {
  assert.deepEqual(given(drawnHall(['....', 'WCWC']), { accessible: true })?.[1], 'OOWC')
  assert.deepEqual(given(drawnHall(['....', 'CWCW']), { accessible: true })?.[1], 'OOCW')
})

test('a party with an accessible place does not take the companion seat from the next wheelchair place', () => {
  assert.deepEqual(given(drawnHall(['xWCWCx']), { accessible: true }), ['xOOWCx'])
  assert.deepEqual(given(drawnHall(['wCWCWc']), { accessible: true }), ['wOOCWc'])
})

test('a party uses no more wheelchair places than it must, and companion seats before ordinary ones', () => {
  assert.deepEqual(given(drawnHall(['x..W.Wxxxx']), { accessible: true, quantity: 3 }), ['xOOO.Wxxxx'])
  assert.deepEqual(given(drawnHall(['WWC']), { accessible: true }), ['WOO'])
  assert.deepEqual(given(drawnHall(['.WC']), { accessible: true }), ['.OO'])
})

test('one person gets the wheelchair place alone', () => {
  assert.deepEqual(given(drawnHall(['....', 'wCWC']), { accessible: true, quantity: 1 })?.[1], 'wCOC')
})

test('ordinary seats beside a wheelchair place serve as companion seats', () => {
  assert.deepEqual(given(drawnHall(['....W.....']), { accessible: true, quantity: 4 }), ['...OOOO...'])
})

test('the rest of a large party with an accessible place sits as near as possible', () => {
  const hall = drawnHall(['......', 'xxxxxx', '......', 'WCxxWC'])
  assert.equal(given(hall, { accessible: true, quantity: 5 }), null)
  assert.deepEqual(given(hall, { accessible: true, quantity: 5, together: false }), [
    '......',
    'xxxxxx',
    'OOO...',
    'OOxxWC',
  ])
})

test('without a free wheelchair place there is no accessible offer', () => {
  assert.equal(given(drawnHall(['....', 'wCwC']), { accessible: true, quantity: 1 }), null)
  assert.equal(given(drawnHall(['....', 'wCwC']), { accessible: true, quantity: 3, together: false }), null)
})

test('in the round the seats nearest to the middle come first', () => {
  const rings = 7
  const { map } = drawnHall(Array.from({ length: 24 }, () => '..........'))
  for (let n = 0; n < map.seatCount; n++) {
    const angle = (Math.PI * 2 * n) / 240
    const radius = 300 - 10 * (map.rowOf[n]! % rings)
    map.x[n] = 5000 + radius * Math.cos(angle)
    map.y[n] = 5000 + radius * Math.sin(angle)
  }
  const rowGiven = (house: Partial<House>) => {
    const best = new BestAvailable({ map, levelOf: () => 0, amountOf: () => 1, rule: 'enforce', ...house })
    return map.rowOf[best.find({ quantity: 2, together: true }, () => true)![0]!]!
  }
  assert.equal(rowGiven({}) % rings, rings - 1)
  assert.equal(rowGiven({ focus: null }), 0, 'without a focus the first row is the best')
})

test('a hall is not taken for one in the round: its middle is full of seats', () => {
  const { map } = drawnHall(Array.from({ length: 21 }, () => '.'.repeat(21)))
  for (let n = 0; n < map.seatCount; n++) {
    map.x[n] = 5000 + 10 * ((n % 21) - 10)
    map.y[n] = 5000 + 12 * (map.rowOf[n]! - 10)
  }
  assert.equal(focusOf(map), null)
  for (let n = 0; n < map.seatCount; n++) map.x[n] = map.x[n]! + (map.x[n]! < 5000 ? -50 : 50)
  assert.deepEqual(focusOf(map), { x: 5000, y: 5000 })
  for (let n = 0; n < map.seatCount; n++) map.x[n] = Math.abs(map.x[n]! - 5000) + 5000
  assert.equal(focusOf(map), null, 'seats on one side only')
})

test('seats that were let go are found again once they are told of', () => {
  const hall = drawnHall(['xxx', '...'])
  const best = bestAvailable(hall)
  const wish = { quantity: 3, together: true }
  assert.deepEqual(best.find(wish, hall.isFree), [3, 4, 5])
  for (const n of [0, 1, 2]) hall.free[n] = 1
  assert.deepEqual(best.find(wish, hall.isFree), [3, 4, 5], 'not told: overlooked, but not wrong')
  best.changed(1)
  assert.deepEqual(best.find(wish, hall.isFree), [0, 1, 2])
})

test('a taken seat is never given, told of or not', () => {
  const hall = drawnHall(['...', '...'])
  const best = bestAvailable(hall)
  assert.deepEqual(best.find({ quantity: 3, together: true }, hall.isFree), [0, 1, 2])
  hall.free[1] = 0
  assert.deepEqual(best.find({ quantity: 3, together: true }, hall.isFree), [3, 4, 5])
})

test('who skips is sent further back, and gets something as long as there is anything', () => {
  const hall = drawnHall(['..', '..', 'xx', '..'])
  const inRow = (skip: number) => given(hall, {}, {}, skip)!.indexOf('OO')
  assert.deepEqual([0, 1, 2, 3, 4, 5, 100].map(inRow), [0, 1, 3, 0, 1, 3, 1])
  assert.deepEqual(given(drawnHall(['WC', 'WC']), { accessible: true }, {}, 3), ['WC', 'OO'])
})

test('the first attempt skips nothing, each later one up to four times as much', () => {
  const random = systemRandom()
  assert.equal(rowsToSkip(0, random), 0)
  for (const attempt of [1, 2, 3, 9]) {
    const drawn = Array.from({ length: 200 }, () => rowsToSkip(attempt, random))
    const most = 4 ** Math.min(attempt, 4)
    assert.ok(drawn.every(skip => Number.isInteger(skip) && skip >= 0 && skip < most))
    assert.ok(Math.max(...drawn) >= most / 2)
  }
})
