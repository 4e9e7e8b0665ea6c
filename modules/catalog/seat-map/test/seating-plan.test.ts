import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importSeatingPlan } from '../import-seat-map.ts'
import type { SeatMap } from '../seat-map.ts'
import { smallPlan, zone } from './plans.ts'

function imported(plan: unknown): SeatMap {
  const result = importSeatingPlan(plan)
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.errors, null, 2))
  return result.seatMap
}

function errorsOf(plan: unknown) {
  const result = importSeatingPlan(plan)
  return result.ok ? [] : result.errors
}

function warningsOf(plan: unknown) {
  const result = importSeatingPlan(plan)
  assert.ok(result.ok)
  return result.warnings
}

test('seats get their numbers section after section, row after row, at positions from the origin', () => {
  const plan = smallPlan()
  plan.zones.push(zone('B', { x: 100, y: 50 }))
  const map = imported(plan)
  assert.equal(map.seatCount, 12)
  assert.deepEqual(map.seat(0), {
    seatId: 'A-1-1',
    section: 'A',
    row: '1',
    number: '1',
    x: 0,
    y: 0,
    category: 0,
    attributes: [],
  })
  assert.deepEqual([map.seat(11).seatId, map.seat(11).x, map.seat(11).y], ['B-1-4', 130, 50])
  assert.deepEqual(map.sections[1], { name: 'B', firstSeat: 8, seatCount: 4, firstRow: 2, rowCount: 1 })
  assert.deepEqual(map.rows[1], { section: 0, label: '2', firstSeat: 4, seatCount: 4 })
  assert.equal(map.sectionOf(11), 1)
})

test('every seat is found by its id, and nothing else is', () => {
  const map = imported(smallPlan({ rows: 40, seats: 40 }))
  for (let n = 0; n < map.seatCount; n++) assert.equal(map.seatNoOf(map.seatIdOf(n)), n)
  for (const foreign of ['', 'A-1-41', 'A-1', 'a-1-1', 'A-1-1 ', '__proto__']) assert.equal(map.seatNoOf(foreign), -1)
})

test('positions of zone, row and seat add up; a row without one begins at its zone', () => {
  const plan = smallPlan({ rows: 1 })
  delete plan.zones[0]!.rows[0]!.position
  plan.zones[0]!.position = { x: 7.128, y: 5 }
  assert.deepEqual([imported(plan).seat(1).x, imported(plan).seat(1).y], [17.13, 5])
})

test('names are compared in one form: composed, without blanks around them', () => {
  const plan = smallPlan({ rows: 1 })
  plan.zones[0]!.name = '  Pie\u0301monte '
  assert.equal(imported(plan).seatNoOf('Pi\u00e9monte-1-1'), 0)
})

test('attributes and areas come from the sibling object, in either form', () => {
  const plan = smallPlan({ rows: 1 })
  plan.zones[0]!.areas = [
    { shape: 'rectangle', position: { x: 5, y: 60 }, rectangle: { width: 50, height: 20 }, text: { text: 'Floor' } },
    { shape: 'circle', position: { x: 0, y: 90 }, circle: { radius: 5 }, color: '#222' },
  ]
  const floor = { area_id: 'floor', name: 'Floor', capacity: 600, price_level: 'Back' }
  const nested = { seats: { 'A/1/2': { attributes: ['wheelchair', 'corner'] } }, areas: { '0': floor } }
  const flat = { 'A/1/2': { attributes: ['wheelchair', 'corner'] }, '0.0': floor }
  for (const holdfast of [nested, flat]) {
    const map = imported({ ...plan, holdfast })
    assert.deepEqual(map.seat(1).attributes, ['wheelchair', 'corner'])
    assert.equal(map.attributes[1], map.attributeBit('wheelchair') | map.attributeBit('corner'))
    const [area, ...others] = map.areas
    assert.deepEqual(others, [])
    assert.equal(area!.shape?.shape, 'rectangle')
    assert.deepEqual(
      { ...area, shape: null },
      { areaNo: 0, areaId: 'floor', name: 'Floor', capacity: 600, category: 1, shape: null },
    )
    assert.deepEqual(
      map.scenery.map(shape => shape.shape),
      ['circle'],
    )
  }
})

test('a club of standing places alone is a map', () => {
  const plan = {
    name: 'Club',
    categories: [{ name: 'Standing' }],
    zones: [{ position: { x: 0, y: 0 }, rows: [], areas: [{}] }],
  }
  const map = imported({ ...plan, holdfast: { areas: { 0: { capacity: 1200, category: 'Standing' } } } })
  assert.deepEqual([map.seatCount, map.areas[0]!.areaId, map.areas[0]!.capacity], [0, 'Area 0', 1200])
})

test('members of other programs are passed over with one warning a name', () => {
  const plan = smallPlan()
  for (const row of plan.zones[0]!.rows) for (const seat of row.seats) Object.assign(seat, { vendor: {}, uuid: 'x' })
  assert.deepEqual(warningsOf({ ...plan, editor: 'x' }), [
    { path: '', message: '"editor" is not part of the format and was passed over' },
    {
      path: 'zones[0].rows[0].seats[0]',
      message: '"vendor" is not part of the format and was passed over (8 times, the first here)',
    },
  ])
})

test('zones of one name become one section and halves of a row one row, with a warning', () => {
  const plan = smallPlan({ rows: 1 })
  const [other] = [zone('A', { x: 0, y: 50 })]
  other!.rows[0]!.row_number = '2'
  for (const [i, seat] of other!.rows[0]!.seats.entries()) seat.seat_guid = `other ${i}`
  const half = structuredClone(plan.zones[0]!.rows[0]!)
  for (const seat of half.seats) {
    seat.position.x += 80
    seat.seat_number += '0'
    seat.seat_guid += '0'
  }
  plan.zones[0]!.rows.push(half)
  plan.zones.push(other!)
  const map = imported(plan)
  assert.deepEqual(
    map.sections.map(({ name, seatCount }) => [name, seatCount]),
    [['A', 12]],
  )
  assert.deepEqual(
    map.rows.map(({ label, seatCount }) => [label, seatCount]),
    [
      ['1', 8],
      ['2', 4],
    ],
  )
  assert.deepEqual([...map.joinsNext.subarray(0, 8)], [1, 1, 1, 0, 1, 1, 1, 0])
  assert.match(JSON.stringify(warningsOf(plan)), /one section.*one row|one row.*one section/)
})

test('every problem is told at once, with its place', () => {
  const plan = smallPlan({ rows: 3 })
  const [first, second, third] = plan.zones[0]!.rows
  first!.seats[1]!.seat_number = '1'
  first!.seats[2]!.category = 'Loge'
  first!.seats[3]!.seat_guid = 'A/1/1'
  second!.seats[0]!.position = { x: 1, y: 0 }
  second!.seats[1]!.position.x = 1
  second!.seats[2]!.position.x = Number.POSITIVE_INFINITY
  Object.assign(second!.seats[3]!, { seat_number: 12 })
  third!.seats = []
  plan.zones.push({ name: 'Empty', position: { x: 0, y: 0 }, rows: [] })
  plan.zones.push({ ...zone('B', { x: 0, y: 70 }), name: undefined as unknown as string })
  plan.zones.push({
    ...zone('A-1', { x: 0, y: 90 }),
    rows: [
      { row_number: '2', seats: [{ seat_guid: 'c', seat_number: '1', position: { x: 0, y: 0 }, category: 'Back' }] },
    ],
  })
  plan.zones.push({
    ...zone('A', { x: 0, y: 110 }),
    rows: [
      { row_number: '1-2', seats: [{ seat_guid: 'd', seat_number: '1', position: { x: 0, y: 0 }, category: 'Back' }] },
    ],
  })
  plan.categories.push({ name: 'Front', color: 'red' })
  assert.deepEqual(errorsOf(plan), [
    { path: 'categories[2].name', message: 'there are two categories "Front"' },
    { path: 'zones[0].rows[0].seats[2].category', message: 'there is no category "Loge"' },
    {
      path: 'zones[0].rows[0].seats[3].seat_guid',
      message: '"A/1/1" is already the seat_guid of zones[0].rows[0].seats[0]',
    },
    { path: 'zones[0].rows[1].seats[2].position.x', message: 'must lie between -100000 and 100000' },
    { path: 'zones[0].rows[1].seats[3].seat_number', message: 'must be a string' },
    { path: 'zones[0].rows[2]', message: 'the row has no seats' },
    { path: 'zones[1]', message: 'the zone has neither rows nor areas' },
    { path: 'zones[2].name', message: 'a zone with seats needs a name: it becomes the section' },
    { path: 'zones[0].rows[0].seats[1]', message: 'seat "A-1-1" is already there: zones[0].rows[0].seats[0]' },
    {
      path: 'zones[4].rows[0].seats[0]',
      message: 'the seat_id "A-1-2-1" is the same as that of zones[3].rows[0].seats[0]',
    },
    { path: 'zones[0].rows[1].seats[1]', message: 'the seat lies on top of another one: zones[0].rows[1].seats[0]' },
  ])
})

test('the same rows in two zones of one name are a mistake, not one section', () => {
  const plan = smallPlan({ rows: 1 })
  plan.zones.push(zone('A', { y: 50 }))
  for (const seat of plan.zones[1]!.rows[0]!.seats) seat.seat_guid += 'b'
  assert.deepEqual(errorsOf(plan)[0], {
    path: 'zones[1].rows[0]',
    message: 'section "A" already has a row "1": zones[0].rows[0]',
  })
})

test('what is missing or of the wrong type is told by its path', () => {
  assert.deepEqual(errorsOf([]), [
    { path: '', message: 'must be an object' },
    { path: '', message: 'there is nothing to sell: neither a seat nor an area with a capacity' },
  ])
  assert.deepEqual(
    errorsOf({ name: 3, categories: {}, zones: [null, { name: 'A', position: { x: '1', y: 0 }, rows: 'none' }] }),
    [
      { path: 'name', message: 'must be a string' },
      { path: 'categories', message: 'must be an array' },
      { path: 'zones[0]', message: 'must be an object' },
      { path: 'zones[1].position.x', message: 'must be a number' },
      { path: 'zones[1].rows', message: 'must be an array' },
      { path: '', message: 'there is nothing to sell: neither a seat nor an area with a capacity' },
    ],
  )
})

test('an extra that speaks of nothing, or says nonsense, is an error', () => {
  const plan = smallPlan({ rows: 1 })
  plan.zones[0]!.areas = [{ shape: 'text', text: { text: 'Bar' } }]
  const holdfast = {
    seats: { 'A/1/9': { attributes: [] }, 'A/1/1': { attributes: ['Wheel Chair'] } },
    areas: { 0: { capacity: 100_001, category: 'None' }, 4: { capacity: 1, category: 'Back' } },
  }
  assert.deepEqual(errorsOf({ ...plan, holdfast }), [
    { path: 'holdfast.seats.A/1/1.attributes[0]', message: 'must be a name in lower case such as "restricted-view"' },
    { path: 'holdfast.areas.0.capacity', message: 'must be a whole number from 1 to 100000' },
    { path: 'holdfast.areas.0.category', message: 'there is no category "None"' },
    { path: 'holdfast.seats.A/1/9', message: 'there is no seat "A/1/9" in the plan' },
    { path: 'holdfast.areas.4', message: 'there is no area "4" in the plan' },
  ])
})

test('ids are printable and at most 64 characters', () => {
  const plan = smallPlan({ rows: 1 })
  plan.zones[0]!.name = 'A'.repeat(59)
  plan.zones[0]!.rows[0]!.seats[0]!.seat_number = '100'
  plan.zones[0]!.rows[0]!.seats[1]!.seat_number = '1\u200b'
  plan.zones[0]!.rows[0]!.seats[2]!.seat_number = '\ud800'
  plan.zones[0]!.rows[0]!.seats[3]!.seat_number = ' '
  assert.deepEqual(
    errorsOf(plan).map(({ message }) => message.replace(/A+/, 'A…')),
    [
      'must consist of printable characters',
      'must consist of printable characters',
      'must not be empty',
      'the seat_id "A…-…" is longer than 64 characters',
    ],
  )
})

test('the list of problems stops at 1,000 and says how many more there are', () => {
  const plan = smallPlan({ rows: 30, seats: 50 })
  for (const row of plan.zones[0]!.rows) for (const seat of row.seats) seat.category = 'Loge'
  const errors = errorsOf(plan)
  assert.equal(errors.length, 1001)
  assert.deepEqual(errors.at(-1), { path: '', message: 'and 500 more' })
})

test('more than 100,000 seats are refused, and piling them up in one place does not take long', () => {
  const plan = smallPlan()
  plan.zones = Array.from({ length: 251 }, (_, z) => zone(`S${z}`, { rows: 20, seats: 20 }))
  for (const { rows } of plan.zones)
    for (const row of rows) for (const seat of row.seats) seat.position = { x: 0, y: 0 }
  const began = performance.now()
  const errors = errorsOf(plan)
  assert.deepEqual(errors[0], { path: '', message: 'there are 100400 seats; a map holds at most 100000' })
  assert.ok(performance.now() - began < 10_000, 'comparing every seat with every other would take minutes')
})

test('hostile members change nothing', () => {
  const text = `{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}, "name": "x", "categories": [],
    "zones": [{"name": {"toString": 1}, "position": {"x": 1e999, "y": -1e999}, "rows": [{"row_number": "1", "seats": [[[[]]]]}],
    "areas": [{"shape": {"toString": 1}}, {"shape": "__proto__"}]}], "holdfast": {"__proto__": {"capacity": 1}}}`
  const errors = errorsOf(JSON.parse(text))
  assert.ok(errors.length > 5)
  assert.equal((Object.prototype as { polluted?: unknown }).polluted, undefined)
  assert.ok(errors.every(error => typeof error.message === 'string'))
})

test('colours that are none never reach the map', () => {
  const plan = smallPlan()
  plan.categories[0]!.color = '"><script>'
  assert.equal(imported(plan).categories[0]!.color, '#888888')
  assert.deepEqual(warningsOf(plan), [{ path: 'categories[0].color', message: 'is not a colour and was left out' }])
})
