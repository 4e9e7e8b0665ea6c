import { addLevel, letterLabel } from './bowl.ts'
import { Oval } from './oval.ts'
import { addZone, type BuiltRow, metre, type Plan, type Point } from './plan.ts'

/**
 * An arena played in the round: a stage in the middle of the floor, eight floor blocks in circles around it, and a bowl of
 * three levels. About 31,000 seats, 92 sections, five price levels, wheelchair bays on the two concourses.
 */
export function arenaInTheRound(): Plan {
  const plan: Plan = {
    name: 'Arena in the round',
    size: { width: 3640, height: 3300 },
    categories: [
      { name: 'Floor', color: '#d55e00' },
      { name: 'Lower premium', color: '#e69f00' },
      { name: 'Lower', color: '#009e73' },
      { name: 'Middle', color: '#56b4e9' },
      { name: 'Upper', color: '#0072b2' },
    ],
    zones: [],
    holdfast: { seats: {}, areas: {} },
  }
  const center = { x: plan.size.width / 2, y: plan.size.height / 2 }
  const oval = new Oval(35 * metre, 26.5 * metre, 19 * metre)
  addHouse(plan, center, oval)
  addFloor(plan, center)
  addLevel(plan, center, oval, {
    firstName: 101,
    sections: 24,
    front: 1.2 * metre,
    depth: 0.85 * metre,
    rowsOf: section => (section % 6 === 3 ? 20 : 22),
    rowLabel: letterLabel,
    categoryOf: row => (row < 9 ? 'Lower premium' : 'Lower'),
    bay: { pairsOf: section => [0, 6, 0, 5, 0, 6][section % 6]!, category: 'Lower' },
  })
  addLevel(plan, center, oval, {
    firstName: 201,
    sections: 28,
    front: 24 * metre,
    depth: 0.85 * metre,
    rowsOf: section => (section % 7 === 0 || isBesideCorner(section) ? 10 : 11),
    rowLabel: row => String(row + 1),
    categoryOf: () => 'Middle',
    stairwell: { isIn: section => section % 2 === 1, from: 0, rows: 4, width: 2.6 * metre },
    bay: { pairsOf: section => (section % 7 === 0 ? 5 : isBesideCorner(section) ? 4 : 0), category: 'Middle' },
  })
  addLevel(plan, center, oval, {
    firstName: 301,
    sections: 32,
    front: 37 * metre,
    depth: 0.8 * metre,
    rowsOf: upperRows,
    rowLabel: row => String(row + 1),
    categoryOf: () => 'Upper',
    stairwell: { isIn: section => section % 2 === 0, from: 3, rows: 5, width: 2.6 * metre },
    restricted: (section, row) => section % 8 === 4 && row >= upperRows(section) - 2,
  })
  return plan
}

function isBesideCorner(section: number): boolean {
  return section % 7 === 3 || section % 7 === 4
}

/** The upper level is deep along the sides, lower at the ends and lowest in the corners, where the roof comes down. */
function upperRows(section: number): number {
  const fromCorner = Math.abs((section % 8) - 4)
  return [13, 14, 16, 17, 17][fromCorner]!
}

function addFloor(plan: Plan, center: Point): void {
  const blocks = 8
  const front = 9 * metre
  const depth = 0.9 * metre
  const rows = 14
  const turn = (2 * Math.PI) / blocks
  for (let block = 0; block < blocks; block++) {
    const middle = Math.PI + block * turn
    const built = Array.from({ length: rows }, (_, row): BuiltRow => {
      const radius = front + row * depth
      const span = turn * radius - 1.6 * metre
      const count = Math.floor(span / (0.52 * metre))
      return {
        label: String(row + 1),
        category: 'Floor',
        seats: Array.from({ length: count }, (_, i) => {
          const angle = middle + ((i + 0.5) / count - 0.5) * (span / radius)
          const isAtAisle = i === 0 || i === count - 1
          return { x: radius * Math.sin(angle), y: -radius * Math.cos(angle), attributes: isAtAisle ? ['aisle'] : [] }
        }),
      }
    })
    addZone(plan, `F${block + 1}`, center, built)
  }
}

/** What is drawn and not sold, from the outside in: later shapes lie on top. */
function addHouse(plan: Plan, center: Point, oval: Oval): void {
  const ring = (distance: number) => {
    const points = Array.from({ length: 72 }, (_, i) => oval.point((i / 72) * 2 * Math.PI, distance))
    return { points: points.map(({ x, y }) => ({ x: Math.round(x), y: Math.round(y) })) }
  }
  const caption = (text: string, size: number) => ({ text, position: { x: 0, y: 0 }, color: '#ffffff', size })
  const here = { x: 0, y: 0 }
  plan.zones.push({
    name: 'House',
    position: center,
    rows: [],
    areas: [
      { shape: 'polygon', color: '#e9ecf1', border_color: '#c3cad5', position: here, polygon: ring(51.5 * metre) },
      { shape: 'polygon', color: '#f6f7f9', border_color: '#d5dae2', position: here, polygon: ring(35.4 * metre) },
      { shape: 'polygon', color: '#e9ecf1', border_color: '#d5dae2', position: here, polygon: ring(22.6 * metre) },
      { shape: 'polygon', color: '#ffffff', border_color: '#c3cad5', position: here, polygon: ring(0) },
      {
        shape: 'rectangle',
        color: '#aab3c2',
        position: { x: -31 * metre, y: -70 },
        rectangle: { width: 100, height: 140 },
      },
      {
        shape: 'rectangle',
        color: '#aab3c2',
        position: { x: 26 * metre, y: -70 },
        rectangle: { width: 100, height: 140 },
      },
      { shape: 'circle', color: '#aab3c2', position: here, circle: { radius: 7.6 * metre } },
      {
        shape: 'circle',
        color: '#2b3240',
        position: here,
        circle: { radius: 6.4 * metre },
        text: caption('STAGE', 44),
      },
    ],
  })
}
