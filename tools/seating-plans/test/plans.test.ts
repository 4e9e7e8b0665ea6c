import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { importSeatingPlan } from '../../../modules/catalog/seat-map/import-seat-map.ts'
import type { SeatMap } from '../../../modules/catalog/seat-map/seat-map.ts'
import { committedPlans, demoFolder } from '../generate.ts'
import { Oval } from '../oval.ts'
import { formatPlan, type Plan } from '../plan.ts'
import { stadium } from '../stadium.ts'

function imported(plan: Plan): SeatMap {
  const result = importSeatingPlan(plan)
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.errors.slice(0, 5)))
  assert.deepEqual(result.warnings, [])
  return result.seatMap
}

function countOf(map: SeatMap, attribute: string): number {
  return map.attributes.filter(mask => mask & map.attributeBit(attribute)).length
}

for (const [file, build] of Object.entries(committedPlans)) {
  test(`demo/seating-plans/${file} is what the generator writes`, async () => {
    const advice = 'run: node tools/seating-plans/generate.ts'
    assert.ok((await readFile(demoFolder + file, 'utf8')) === formatPlan(build()), advice)
  })
}

test('the arena has 30,000 to 32,000 seats in at least 60 sections, five price levels and curved rows', () => {
  const map = imported(committedPlans['arena-in-the-round.json']())
  assert.ok(map.seatCount >= 30_000 && map.seatCount <= 32_000, `${map.seatCount} seats`)
  assert.ok(map.sections.length >= 60, `${map.sections.length} sections`)
  assert.equal(new Set(map.category).size, 5)
  const levels = new Set(map.sections.map(section => section.name[0]))
  assert.deepEqual([...levels].sort(), ['1', '2', '3', 'F'])
  const lengths = new Set(map.rows.map(row => row.seatCount))
  assert.ok(lengths.size >= 15, `${lengths.size} different lengths of row`)
})

test('every wheelchair place has a companion seat beside it', () => {
  for (const build of Object.values(committedPlans)) {
    const map = imported(build())
    assert.equal(countOf(map, 'wheelchair'), countOf(map, 'companion'))
    for (let n = 0; n < map.seatCount; n++) {
      if (!(map.attributes[n]! & map.attributeBit('wheelchair'))) continue
      assert.equal(map.joinsNext[n], 1, map.seatIdOf(n))
      assert.ok(map.attributes[n + 1]! & map.attributeBit('companion'), map.seatIdOf(n))
    }
  }
})

test('within a row everybody has a neighbour, and stairwells part the rows they cut', () => {
  const map = imported(committedPlans['arena-in-the-round.json']())
  const breaks = map.rows.filter(({ firstSeat, seatCount }) =>
    map.joinsNext.subarray(firstSeat, firstSeat + seatCount - 1).includes(0),
  )
  const isCut = ({ section, seatCount }: { section: number; seatCount: number }) =>
    /^[23]/.test(map.sections[section]!.name) && seatCount > 5
  assert.ok(breaks.length > 100 && breaks.every(isCut), `${breaks.length} rows are cut`)
})

test('the club has two standing areas for 1,200 and a numbered balcony', () => {
  const map = imported(committedPlans['club.json']())
  assert.deepEqual(
    map.areas.map(({ areaId, capacity }) => [areaId, capacity]),
    [
      ['floor', 700],
      ['parterre', 500],
    ],
  )
  assert.ok(map.seatCount > 200)
})

test('the stadium comes close to 80,000 seats and not above', () => {
  const { seatCount } = imported(stadium())
  assert.ok(seatCount > 79_500 && seatCount <= 80_000, `${seatCount} seats`)
})

test('an oval gives back the direction of every length', () => {
  const oval = new Oval(700, 530, 380)
  for (const distance of [0, 30, 800]) {
    const around = oval.circumference(distance)
    for (let i = -20; i < 60; i++) {
      const length = (around * i) / 40
      assert.ok(Math.abs(oval.lengthTo(oval.directionAt(length, distance), distance) - length) < 1e-6)
    }
  }
  for (const [direction, x, y] of [
    [0, 0, -530],
    [Math.PI / 2, 700, 0],
    [Math.PI, 0, 530],
    [-Math.PI / 2, -700, 0],
  ] as const) {
    const point = oval.point(direction, 0)
    assert.ok(Math.hypot(point.x - x, point.y - y) < 1e-9)
  }
})
