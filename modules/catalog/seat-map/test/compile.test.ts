import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeSeatMap, encodeSeatMap, hashSeatMap } from '../artefact.ts'
import { importManifest, importSeatingPlan } from '../import-seat-map.ts'
import { smallPlan, zone } from './plans.ts'

function compiled(plan: unknown) {
  const result = importSeatingPlan(plan)
  assert.ok(result.ok)
  return result.seatMap
}

function joinsOfRow(xs: number[]): number[] {
  const plan = smallPlan({ rows: 1, seats: xs.length })
  for (const [i, seat] of plan.zones[0]!.rows[0]!.seats.entries()) seat.position.x = xs[i]!
  return [...compiled(plan).joinsNext]
}

test('neighbours join, seats across an aisle do not', () => {
  assert.deepEqual(joinsOfRow([0, 10, 20, 40, 50, 60]), [1, 1, 0, 1, 1, 0])
  assert.deepEqual(joinsOfRow([0, 10, 25]), [1, 1, 0])
  assert.deepEqual(joinsOfRow([0, 10, 30]), [1, 0, 0])
  assert.deepEqual(joinsOfRow([0]), [0])
})

test('a row of two seats far apart is parted when the rest of its section sits closer', () => {
  const plan = smallPlan({ rows: 3, seats: 6 })
  plan.zones[0]!.rows[2]!.seats.splice(1, 4)
  const map = compiled(plan)
  assert.equal(map.joinsNext[12], 0)
})

test('the last seat of a row never joins the first of the next', () => {
  const map = compiled(smallPlan({ rows: 3, seats: 5 }))
  for (const { firstSeat, seatCount } of map.rows) assert.equal(map.joinsNext[firstSeat + seatCount - 1], 0)
})

test('a row bent into a U keeps its order', () => {
  const bent = Array.from({ length: 31 }, (_, i) => {
    const angle = Math.PI * (i / 30) * 1.5
    return `A,1,${i + 1},${(100 * Math.cos(angle)).toFixed(2)},${(100 * Math.sin(angle)).toFixed(2)},P`
  })
  const result = importManifest(['section,row,number,x,y,price_level', ...bent].join('\n'), 'U')
  assert.ok(result.ok)
  assert.deepEqual([...result.seatMap.joinsNext], [...Array(30).fill(1), 0])
  assert.equal(result.seatMap.seat(30).number, '31')
})

test('a stored map reads back as the same map, under the same hash', () => {
  const plan = smallPlan({ rows: 3, seats: 7 })
  plan.zones.push(zone('B', { x: 120.55, y: 3.456, rows: 2, seats: 3 }))
  plan.zones[1]!.areas = [
    {
      shape: 'polygon',
      polygon: {
        points: [
          { x: 0, y: 0 },
          { x: 10, y: 0 },
          { x: 5, y: 5 },
        ],
      },
      color: '#111',
      rotation: 12,
    },
    { shape: 'text', text: { text: 'Stage', position: { x: 1, y: 2 } } },
  ]
  const holdfast = {
    areas: { 0: { capacity: 3, category: 'Back' } },
    seats: { 'B/1/1': { attributes: ['aisle', 'own'] } },
  }
  const map = compiled({ ...plan, holdfast })
  const encoded = encodeSeatMap(map)
  const again = decodeSeatMap(encoded)
  assert.equal(encodeSeatMap(again), encoded)
  assert.deepEqual(hashSeatMap(encodeSeatMap(compiled(structuredClone({ ...plan, holdfast })))), hashSeatMap(encoded))
  for (let n = 0; n < map.seatCount; n++) assert.deepEqual(again.seat(n), map.seat(n))
  assert.deepEqual(again.joinsNext, map.joinsNext)
  assert.deepEqual(again.areas, JSON.parse(JSON.stringify(map.areas)))
})

test('property: whatever the plan, each seat has one row, one section, one id that finds it', () => {
  const label = fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom('A', 'b', '1', '-', 'é', '中') })
  const row = fc.uniqueArray(label, { minLength: 1, maxLength: 6 })
  const zones = fc.uniqueArray(
    fc.record({
      name: label,
      rows: fc.uniqueArray(fc.tuple(label, row), { minLength: 1, maxLength: 4, selector: ([l]) => l }),
    }),
    {
      minLength: 1,
      maxLength: 4,
      selector: ({ name }) => name,
    },
  )
  fc.assert(
    fc.property(zones, drawn => {
      const plan = {
        name: 'P',
        categories: [{ name: 'P' }],
        zones: drawn.map(({ name, rows }, z) => ({
          name,
          position: { x: 0, y: 1000 * z },
          rows: rows.map(([row_number, numbers], r) => ({
            row_number,
            position: { x: 0, y: 10 * r },
            seats: numbers.map((seat_number, s) => ({
              seat_guid: `${z}.${r}.${s}`,
              seat_number,
              position: { x: 10 * s, y: 0 },
              category: 'P',
            })),
          })),
        })),
      }
      const ids = plan.zones.flatMap(({ name, rows }) =>
        rows.flatMap(r => r.seats.map(s => `${name}-${r.row_number}-${s.seat_number}`)),
      )
      const result = importSeatingPlan(plan)
      assert.equal(result.ok, new Set(ids).size === ids.length, 'refused exactly when two composed ids collide')
      if (!result.ok) return
      for (const [n, id] of ids.entries()) {
        assert.equal(result.seatMap.seatIdOf(n), id)
        assert.equal(result.seatMap.seatNoOf(id), n)
      }
    }),
    { seed: 20_26_11_22, numRuns: 150 },
  )
})
