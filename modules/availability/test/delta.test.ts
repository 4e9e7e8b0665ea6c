import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { AvailabilityDelta } from '#contracts/availability.ts'
import { EventSeats, seatStatuses } from '../event-seats.ts'
import { KeptBodies } from '../publish/kept-bodies.ts'
import { PublishedEvent } from '../publish/published-event.ts'
import { deltaSince } from '../stream/delta.ts'
import { stateIn } from './read-snapshot.ts'
import { smallMap } from './small-event.ts'

const map = smallMap({ sections: [5, 4], areas: [100, 50] })

const change = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      seatNo: fc.nat(map.seatCount - 1),
      status: fc.constantFrom(...seatStatuses),
      heldUntil: fc.integer({ min: 1, max: 40 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ areaNo: fc.nat(1), available: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.constant({ lapse: true }) },
)

test('a snapshot and the changes since are the snapshot of now, from whatever version on', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), changes => {
      const { seats, published } = event()
      const seen = [look(seats, published, 0)]
      for (const [i, one] of changes.entries()) {
        if ('seatNo' in one) seats.apply({ ...one, generation: i + 1 })
        else if ('areaNo' in one) seats.applyArea(one.areaNo, i + 1, one.available)
        else seats.lapse(i)
        seen.push(look(seats, published, 2000 * (i + 1)))
      }
      const latest = seen.at(-1)!
      for (const before of seen) {
        const delta = deltaSince(seats, published, before.version)!
        assert.deepEqual(patched(before, delta), { states: latest.states, areas: latest.areas })
        assert.equal(published.versionOf(delta.version), latest.version)
      }
    }),
    { seed: 20261122 },
  )
})

test('a seat that changed ten times is told once', () => {
  const { seats, published } = event()
  for (let i = 1; i <= 11; i++)
    seats.apply({ seatNo: 3, generation: i, status: i % 2 ? 'held' : 'available', heldUntil: 1e15 })
  assert.deepEqual(deltaSince(seats, published, 0)?.changes, [[3, 1]])
})

test('changes older than what is kept, and versions still to come, are not known', () => {
  const { seats, published } = event()
  for (let i = 1; i <= 4097; i++) seats.applyArea(0, i, i % 2)
  assert.equal(deltaSince(seats, published, 0), null)
  assert.deepEqual(deltaSince(seats, published, 1)?.areas, { 'floor-0': 1 })
  for (const version of [4098, -1, 0.5, Number.NaN]) assert.equal(deltaSince(seats, published, version), null)
})

test('a version of another process, or of another time in memory, is not a version here', () => {
  const { published } = event()
  assert.equal(published.versionOf(published.versionName(7)), 7)
  const other = event('other').published
  for (const name of [
    other.versionName(7),
    '7',
    '',
    `${published.versionName(7)}x`,
    `${published.versionName(7)}${'9'.repeat(20)}`,
  ])
    assert.equal(published.versionOf(name), null)
})

test('a mark finds the version of some seconds ago, or the oldest there is', () => {
  const { seats } = event()
  const versions = [0, 1000, 2000, 3000].map(at => {
    seats.applyArea(0, at, 99 - at / 1000)
    seats.recent.mark(at)
    return seats.version
  })
  assert.equal(seats.recent.versionAt(2500), versions[2])
  assert.equal(seats.recent.versionAt(2000), versions[2])
  assert.equal(seats.recent.versionAt(-5), versions[0])
})

function event(instance = 'here') {
  const seats = new EventSeats(1, map)
  return { seats, published: new PublishedEvent(seats, instance, new KeptBodies()) }
}

/** What somebody sees who fetches the snapshot and the areas at that moment. */
function look(seats: EventSeats, published: PublishedEvent, at: number) {
  const { plain, version } = published.snapshot({ now: at, databaseNow: 0 })
  const states = Array.from({ length: map.seatCount }, (_, seatNo) => stateIn(plain, seatNo))
  const areas = Object.fromEntries(map.areas.map(({ areaId, areaNo }) => [areaId, seats.areaAvailable[areaNo]!]))
  return { states, areas, version: published.versionOf(version)! }
}

function patched(before: ReturnType<typeof look>, delta: AvailabilityDelta) {
  const states = [...before.states]
  for (const [seatNo, state] of delta.changes) states[seatNo] = state
  return { states, areas: { ...before.areas, ...delta.areas } }
}
