import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importSeatingPlan } from '../import-seat-map.ts'
import { selectSeats } from '../select-seats.ts'
import { smallPlan, zone } from './plans.ts'

const plan = smallPlan({ rows: 2, seats: 3 })
plan.zones.push(zone('B', { y: 50, seats: 2 }))
const result = importSeatingPlan(plan)
assert.ok(result.ok)
const map = result.seatMap

test('sections, rows and seats add up, each seat once, by number', () => {
  const selected = selectSeats(map, {
    sections: ['B'],
    rows: [{ section: 'A', row: '2' }],
    seat_ids: ['A-2-1', 'A-1-3'],
  })
  assert.deepEqual(selected, { ok: true, seatNos: [2, 3, 4, 5, 6, 7] })
})

test('what names nothing is told, part by part', () => {
  const selected = selectSeats(map, { sections: ['B', 'C'], rows: [{ section: 'B', row: '2' }], seat_ids: ['A-9-9'] })
  assert.deepEqual(selected.ok ? [] : selected.errors.map(({ path }) => path), [
    'select.sections[1]',
    'select.rows[0]',
    'select.seat_ids[0]',
  ])
})
