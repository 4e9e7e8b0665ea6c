import { addZone, type BuiltRow, metre, type Plan, type Point } from './plan.ts'

/**
 * A club: 700 standing on the floor, 500 on the raised parterre behind, and a numbered balcony along three walls.
 */
export function club(): Plan {
  const plan: Plan = {
    name: 'Club',
    size: { width: 720, height: 620 },
    categories: [
      { name: 'Standing', color: '#e69f00' },
      { name: 'Balcony front', color: '#0072b2' },
      { name: 'Balcony', color: '#56b4e9' },
    ],
    zones: [house()],
    holdfast: {
      seats: {},
      areas: {
        '1': { area_id: 'floor', name: 'Floor', capacity: 700, price_level: 'Standing' },
        '2': { area_id: 'parterre', name: 'Parterre', capacity: 500, price_level: 'Standing' },
      },
    },
  }
  // Each wing looks across the floor; numbers rise away from the stage on both sides.
  addZone(plan, 'Left', { x: 60, y: 150 }, wing(-1))
  addZone(plan, 'Right', { x: 660, y: 150 }, wing(1))
  addZone(plan, 'Centre', { x: 360, y: 500 }, centre())
  return plan
}

function house(): Plan['zones'][number] {
  const caption = (text: string, color: string, at: Point) => ({ text, position: at, color, size: 22 })
  return {
    name: 'House',
    position: { x: 120, y: 30 },
    rows: [],
    areas: [
      {
        shape: 'rectangle',
        color: '#2b3240',
        position: { x: 100, y: 0 },
        rectangle: { width: 280, height: 80 },
        text: caption('STAGE', '#ffffff', { x: 140, y: 40 }),
      },
      {
        shape: 'rectangle',
        color: '#fdf1d9',
        border_color: '#e69f00',
        position: { x: 0, y: 100 },
        rectangle: { width: 480, height: 190 },
        text: caption('FLOOR', '#8a5a00', { x: 240, y: 95 }),
      },
      {
        shape: 'rectangle',
        color: '#fdf1d9',
        border_color: '#e69f00',
        position: { x: 0, y: 300 },
        rectangle: { width: 480, height: 110 },
        text: caption('PARTERRE', '#8a5a00', { x: 240, y: 55 }),
      },
      {
        shape: 'rectangle',
        color: '#aab3c2',
        position: { x: 0, y: 560 },
        rectangle: { width: 480, height: 20 },
        text: caption('BAR', '#2b3240', { x: 240, y: 10 }),
      },
    ],
  }
}

function wing(side: -1 | 1): BuiltRow[] {
  return ['A', 'B'].map((label, row) => ({
    label,
    category: row === 0 ? 'Balcony front' : 'Balcony',
    seats: Array.from({ length: 26 }, (_, i) => ({
      x: side * row * 0.9 * metre,
      y: i * 0.55 * metre + (i >= 13 ? 1.1 * metre : 0),
      attributes: row === 1 && i < 3 ? ['restricted-view'] : [],
    })),
  }))
}

function centre(): BuiltRow[] {
  const rows = ['A', 'B', 'C', 'D'].map((label, row): BuiltRow => {
    const count = 40 + row * 2
    const radius = 60 * metre + row * 0.9 * metre
    return {
      label,
      category: row === 0 ? 'Balcony front' : 'Balcony',
      seats: Array.from({ length: count }, (_, i) => {
        const isLeft = i < count / 2
        const along = (i - (count - 1) / 2) * 0.53 * metre + (isLeft ? -0.6 : 0.6) * metre
        return { x: along, y: row * 0.9 * metre + (radius - Math.sqrt(radius ** 2 - along ** 2)) * -1 }
      }),
    }
  })
  const bay = Array.from({ length: 4 }, (_, pair) => {
    const x = (pair - 1.5) * 1.9 * metre - 0.375 * metre
    const y = 4.3 * 0.9 * metre
    return [
      { x, y, attributes: ['wheelchair', 'step-free'] },
      { x: x + 0.75 * metre, y, attributes: ['companion', 'step-free'] },
    ]
  })
  return [...rows, { label: 'WC', category: 'Balcony', seats: bay.flat() }]
}
