import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EventSeats, type SeatFact, type SeatStatus, seatShown, seatStatuses } from '../event-seats.ts'
import { smallMap } from './small-event.ts'

const map = smallMap({ sections: [4, 3], areas: [100] })
const now = 1_800_000_000_000

function held(seatNo: number, generation: number, heldUntil = now + 600_000): SeatFact {
  return { seatNo, generation, status: 'held', heldUntil }
}
function free(seatNo: number, generation: number): SeatFact {
  return { seatNo, generation, status: 'available', heldUntil: 0 }
}

/** What happened to each seat, in the order in which it happened. */
const histories = fc.array(
  fc.array(fc.record({ status: fc.constantFrom(...seatStatuses), heldUntil: fc.integer({ min: 1, max: 2000 }) }), {
    maxLength: 6,
  }),
  { minLength: map.seatCount, maxLength: map.seatCount },
)
const deliveries = histories.chain(history => {
  const facts = history.flatMap((changes, seatNo) =>
    changes.map(({ status, heldUntil }, i): SeatFact => {
      return { seatNo, generation: i + 1, status, heldUntil: status === 'held' ? now + heldUntil : 0 }
    }),
  )
  const twice = [...facts, ...facts]
  return fc.record({
    history: fc.constant(history),
    facts: fc.constant(facts),
    delivered: fc
      .shuffledSubarray(twice, { minLength: 0, maxLength: twice.length })
      .map(some => [...some, ...facts.filter(fact => !some.includes(fact))]),
  })
})

test('facts in any order, and more than once, end in the same picture', () => {
  fc.assert(
    fc.property(deliveries, ({ history, delivered }) => {
      const seats = new EventSeats(1, map)
      for (const fact of delivered) seats.apply(fact)
      assert.deepEqual(pictureOf(seats), newestOf(history))
      assertCountsMatch(seats)
    }),
    { seed: 20261122 },
  )
})

test('taking whatever came last, without generations, ends in another picture', () => {
  const lastComes = (facts: readonly SeatFact[]) => new Map(facts.map(fact => [fact.seatNo, fact.status]))
  const agreesAlways = fc.check(
    fc.property(deliveries, ({ facts, delivered }) => {
      const got = lastComes(delivered)
      return [...lastComes(facts)].every(([seatNo, status]) => got.get(seatNo) === status)
    }),
    { seed: 20261122 },
  )
  assert(agreesAlways.failed)
})

test('reading everything anew forgets what came before, also newer generations of a database that was restored', () => {
  fc.assert(
    fc.property(deliveries, deliveries, (before, after) => {
      const seats = new EventSeats(1, map)
      for (const fact of before.delivered) seats.apply({ ...fact, generation: fact.generation + 100 })
      seats.replaceAll(columnsOf(after.history), [])
      assert.deepEqual(pictureOf(seats), newestOf(after.history))
      assertCountsMatch(seats)
    }),
    { seed: 20261122 },
  )
})

test('a hold that has run out is free, and is shown so from the next lapse on', () => {
  const seats = new EventSeats(1, map)
  seats.apply(held(2, 1, now + 1000))
  assert.deepEqual(
    [seats.isFree(2, now), seats.isFree(2, now + 999), seats.isFree(2, now + 1000)],
    [false, false, true],
  )
  seats.lapse(now + 999)
  assert.equal(seats.shown[2], seatShown.taken)
  seats.lapse(now + 1000)
  assert.deepEqual([seats.shown[2], seats.statusShown(2), seats.status(2)], [seatShown.available, 'available', 'held'])
  assert.equal(seats.sectionFree(0), 4)
})

test('a hold that was extended does not lapse at its first end', () => {
  const seats = new EventSeats(1, map)
  seats.apply(held(2, 1, now + 1000))
  seats.apply(held(2, 2, now + 5000))
  seats.lapse(now + 1000)
  assert.equal(seats.shown[2], seatShown.taken)
  seats.lapse(now + 5000)
  assert.equal(seats.shown[2], seatShown.available)
})

test('memory is sure of a hold while more than a second of it is left, and of reserved, sold and blocked always', () => {
  const seats = new EventSeats(1, map)
  seats.apply(held(0, 1, now + 1001))
  seats.apply(held(1, 1, now + 1000))
  for (const [seatNo, status] of (['reserved', 'sold', 'blocked'] as const).entries())
    seats.apply({ seatNo: seatNo + 2, generation: 1, status, heldUntil: 0 })
  assert.deepEqual(
    Array.from({ length: 6 }, (_, seatNo) => seats.isSurelyTaken(seatNo, now)),
    [true, false, true, true, true, false],
  )
})

test('a seat that was blocked from the first is blocked', () => {
  const seats = new EventSeats(1, map)
  seats.apply({ seatNo: 0, generation: 0, status: 'blocked', heldUntil: 0 })
  assert.equal(seats.shown[0], seatShown.blocked)
})

test('an area takes the newest counter', () => {
  const seats = new EventSeats(1, map)
  seats.applyArea(0, 3, 40)
  seats.applyArea(0, 2, 90)
  assert.equal(seats.areaAvailable[0], 40)
})

test('the version and the listeners move with what is visible, a section with what it lists', () => {
  const seats = new EventSeats(1, map)
  const heard: number[] = []
  seats.onShown(seatNo => heard.push(seatNo))
  seats.apply(held(5, 1))
  seats.apply({ seatNo: 5, generation: 2, status: 'reserved', heldUntil: 0 })
  assert.deepEqual([seats.version, heard], [1, [5]])
  assert.deepEqual([seats.sectionRevision(0), seats.sectionRevision(1)], [0, 3])
  seats.apply(free(5, 3))
  seats.applyArea(0, 1, 99)
  seats.applyArea(0, 2, 99)
  assert.deepEqual([seats.version, heard], [3, [5, 5]])
})

function pictureOf(seats: EventSeats): SeatStatus[] {
  return Array.from({ length: map.seatCount }, (_, seatNo) => seats.status(seatNo))
}

function newestOf(history: { status: SeatStatus }[][]): SeatStatus[] {
  return history.map(changes => changes.at(-1)?.status ?? 'available')
}

function columnsOf(history: { status: SeatStatus; heldUntil: number }[][]) {
  const changed = history.flatMap((changes, seatNo) => (changes.length === 0 ? [] : [{ seatNo, changes }]))
  return {
    seatNo: Int32Array.from(changed, one => one.seatNo),
    generation: Int32Array.from(changed, one => one.changes.length),
    status: Uint8Array.from(changed, one => seatStatuses.indexOf(one.changes.at(-1)!.status)),
    heldUntil: Float64Array.from(changed, one => now + one.changes.at(-1)!.heldUntil),
  }
}

function assertCountsMatch(seats: EventSeats): void {
  for (const [no, { firstSeat, seatCount }] of map.sections.entries()) {
    const shown = seats.shown.subarray(firstSeat, firstSeat + seatCount)
    assert.equal(seats.sectionFree(no), shown.filter(state => state === seatShown.available).length)
  }
}
