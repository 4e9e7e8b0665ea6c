/** A small hall to bend in tests: `rows` rows of `seats` seats in section `A`, 10 units apart. */
export function smallPlan({ rows = 2, seats = 4 } = {}) {
  return {
    name: 'Small hall',
    size: { width: 200, height: 100 },
    categories: [
      { name: 'Front', color: '#0072b2' },
      { name: 'Back', color: '#e69f00' },
    ],
    zones: [zone('A', { rows, seats })] as Zone[],
  }
}

export function zone(name: string, { rows = 1, seats = 4, x = 0, y = 0 } = {}): Zone {
  return {
    name,
    position: { x, y },
    rows: Array.from({ length: rows }, (_, r) => ({
      row_number: String(r + 1),
      position: { x: 0, y: 12 * r },
      seats: Array.from({ length: seats }, (_, s) => ({
        seat_guid: `${name}/${r + 1}/${s + 1}`,
        seat_number: String(s + 1),
        position: { x: 10 * s, y: 0 },
        category: r === 0 ? 'Front' : 'Back',
      })),
    })),
  }
}

export interface Zone {
  name: string
  position: { x: number; y: number }
  rows: {
    row_number: string
    position?: { x: number; y: number }
    seats: {
      seat_guid: string
      seat_number: string
      position: { x: number; y: number }
      category: string
      radius?: number
    }[]
  }[]
  areas?: object[]
}
