import { addLevel, letterLabel } from './bowl.ts'
import { Oval } from './oval.ts'
import { metre, type Plan } from './plan.ts'

/** A football stadium of 80,000 seats, the largest map there should be, for benchmarks. Made on demand, not kept. */
export function stadium(): Plan {
  const plan: Plan = {
    name: 'Stadium',
    size: { width: 5800, height: 5000 },
    categories: [
      { name: 'Category 1', color: '#d55e00' },
      { name: 'Category 2', color: '#e69f00' },
      { name: 'Category 3', color: '#009e73' },
      { name: 'Category 4', color: '#0072b2' },
    ],
    zones: [],
    holdfast: { seats: {}, areas: {} },
  }
  const center = { x: plan.size.width / 2, y: plan.size.height / 2 }
  const oval = new Oval(70 * metre, 50 * metre, 34 * metre)
  plan.zones.push({
    name: 'Pitch',
    position: center,
    rows: [],
    areas: [
      {
        shape: 'rectangle',
        color: '#4d8f4f',
        position: { x: -52 * metre, y: -34 * metre },
        rectangle: { width: 104 * metre, height: 68 * metre },
      },
    ],
  })
  addLevel(plan, center, oval, {
    firstName: 101,
    sections: 40,
    front: 2 * metre,
    depth: 0.8 * metre,
    rowsOf: () => 30,
    rowLabel: letterLabel,
    categoryOf: row => (row < 16 ? 'Category 1' : 'Category 2'),
    bay: { pairsOf: section => (section % 4 === 1 ? 6 : 0), category: 'Category 2' },
  })
  addLevel(plan, center, oval, {
    firstName: 201,
    sections: 44,
    front: 29 * metre,
    depth: 0.8 * metre,
    rowsOf: () => 20,
    rowLabel: row => String(row + 1),
    categoryOf: () => 'Category 2',
    stairwell: { isIn: section => section % 2 === 1, from: 2, rows: 5, width: 2.6 * metre },
  })
  addLevel(plan, center, oval, {
    firstName: 301,
    sections: 48,
    front: 47 * metre,
    depth: 0.8 * metre,
    rowsOf: section => (section % 4 === 0 ? 26 : 27),
    rowLabel: row => String(row + 1),
    categoryOf: row => (row < 14 ? 'Category 3' : 'Category 4'),
    stairwell: { isIn: section => section % 2 === 0, from: 6, rows: 6, width: 2.6 * metre },
  })
  return plan
}
