import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Availability, SeatsOfSection } from '#contracts/availability.ts'
import { EventSeats } from '../event-seats.ts'
import { KeptBodies } from '../publish/kept-bodies.ts'
import { PublishedEvent } from '../publish/published-event.ts'
import { smallEvent, smallMap } from './small-event.ts'

const start = 1_800_000_000_000

function published() {
  const map = smallMap({ sections: [4, 3], areas: [100] })
  const definition = smallEvent(map)
  const seats = new EventSeats(1, map)
  const event = new PublishedEvent(seats, 'here', new KeptBodies())
  const at = (now: number) => ({ definition, now, databaseNow: start + now, asOf: start + now })
  const sections = (now: number) => parsed<Availability>(event.sections(at(now)).plain)
  const seatsOf = (now: number, section = 0) => parsed<SeatsOfSection>(event.seatsOf(at(now), section).plain)
  return { seats, event, definition, at, sections, seatsOf }
}

function parsed<T>(body: Buffer): T {
  return JSON.parse(body.toString())
}

test('sections in the order of the map, then areas, each with what is free', () => {
  const { seats, sections } = published()
  seats.apply({ seatNo: 5, generation: 1, status: 'sold', heldUntil: 0 })
  seats.applyArea(0, 1, 60)
  assert.deepEqual(sections(0).sections, [
    { section: 'A', kind: 'seats', capacity: 4, available: 4, min_amount: 5000 },
    { section: 'B', kind: 'seats', capacity: 3, available: 2, min_amount: 5000 },
    { section: 'Floor 0', kind: 'area', area_id: 'floor-0', capacity: 100, available: 60, min_amount: 5000 },
  ])
})

test('the least amount is that of the cheapest free seat, and of the cheapest seat when none is free', () => {
  const { seats, definition, sections } = published()
  definition.seatLevel[1] = 1 // before anybody looked
  assert.equal(sections(0).sections[0]!.min_amount, 3000)
  seats.apply({ seatNo: 1, generation: 1, status: 'sold', heldUntil: 0 })
  assert.equal(sections(1000).sections[0]!.min_amount, 5000)
  for (const seatNo of [0, 2, 3]) seats.apply({ seatNo, generation: 1, status: 'sold', heldUntil: 0 })
  assert.equal(sections(2000).sections[0]!.min_amount, 3000)
})

test('seats in the order of the row; held and reserved are told apart', () => {
  const { seats, seatsOf } = published()
  seats.apply({ seatNo: 1, generation: 1, status: 'held', heldUntil: start + 600_000 })
  seats.apply({ seatNo: 2, generation: 1, status: 'reserved', heldUntil: 0 })
  const { section, seats: listed } = seatsOf(0)
  assert.equal(section, 'A')
  assert.deepEqual(
    listed.map(seat => [seat.seat_no, seat.number, seat.status]),
    [
      [0, '1', 'available'],
      [1, '2', 'held'],
      [2, '3', 'reserved'],
      [3, '4', 'available'],
    ],
  )
  assert.deepEqual(listed[0], {
    ...{ seat_id: 'A-1-1', seat_no: 0, row: '1', number: '1', price_level: 'Standard', amount: 5000 },
    ...{ status: 'available', attributes: [] },
  })
})

test('a hold that has run out reads available without anybody telling', () => {
  const { seats, seatsOf, event, at } = published()
  seats.apply({ seatNo: 1, generation: 1, status: 'held', heldUntil: start + 5000 })
  assert.equal(seatsOf(4000).seats[1]!.status, 'held')
  assert.equal(event.snapshot(at(4000)).plain[0], 0b01_00)
  assert.equal(seatsOf(5001).seats[1]!.status, 'available')
  assert.equal(event.snapshot(at(5001)).plain[0], 0)
})

test('a body is made once however many ask, and again when something changed', () => {
  const { seats, event, at } = published()
  const [sections, list, snapshot] = [event.sections(at(0)), event.seatsOf(at(0), 0), event.snapshot(at(0))]
  assert.equal(event.sections(at(900)), sections)
  assert.equal(event.seatsOf(at(900), 0), list)
  assert.equal(event.snapshot(at(99_000)), snapshot)
  seats.apply({ seatNo: 6, generation: 1, status: 'sold', heldUntil: 0 })
  assert.notEqual(event.sections(at(901)), sections)
  assert.equal(event.seatsOf(at(901), 0), list, 'a seat of another section')
  assert.notEqual(event.snapshot(at(99_001)), snapshot)
})

test('while an event changes all the time, lists are made twice and four times a second, a snapshot once', () => {
  const { seats, event, at } = published()
  const made = { sections: new Set(), seatsOf: new Set(), snapshot: new Set() }
  for (let now = 0; now < 1000; now += 10) {
    const status = now % 20 === 0 ? 'sold' : 'available'
    seats.apply({ seatNo: 0, generation: now + 1, status, heldUntil: 0 })
    made.sections.add(event.sections(at(now)))
    made.seatsOf.add(event.seatsOf(at(now), 0))
    made.snapshot.add(event.snapshot(at(now)))
  }
  assert.deepEqual([made.sections.size, made.seatsOf.size, made.snapshot.size], [4, 2, 1])
})

test('as_of moves while nothing changes, and the ETag does not', () => {
  const { event, at, sections } = published()
  const { etag } = event.sections(at(0))
  assert.equal(sections(1000).as_of, new Date(start + 1000).toISOString())
  assert.equal(event.sections(at(1000)).etag, etag)
})

test('new prices are in the next answer', () => {
  const { event, at, definition } = published()
  event.sections(at(0))
  const [standard, reduced] = definition.priceLevels
  const dearer = { ...definition, version: 2, priceLevels: [{ ...standard!, amount: 9900 }, reduced!] }
  const answer = parsed<Availability>(event.sections({ ...at(1), definition: dearer }).plain)
  assert.equal(answer.sections[0]!.min_amount, 9900)
})
