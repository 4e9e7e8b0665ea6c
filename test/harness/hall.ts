/** A hall drawn with a ruler: section A with rows of seats `A-1-1`, `A-1-2` …, and standing areas. */
export type Hall = {
  rows?: number
  seatsPerRow?: number
  /** area_id -> places */
  areas?: Record<string, number>
  /** Seats with these attributes, by id. */
  attributes?: Record<string, string[]>
}

/** Row 1 costs more than the others, and a place in an area least. */
export const priceLevels = [
  { price_level: 'Front', name: 'Front', amount: 9000 },
  { price_level: 'Back', name: 'Back', amount: 5000 },
  { price_level: 'Floor', name: 'Floor', amount: 3000 },
]

/** In the open seating-plan format, as an organiser imports it. */
export function planOf({ rows = 0, seatsPerRow = 0, areas = {}, attributes = {} }: Hall) {
  const areaIds = Object.keys(areas)
  return {
    name: 'Hall',
    size: { width: 10 * seatsPerRow + 100, height: 20 * rows + 100 },
    categories: priceLevels.map(({ name }, n) => ({ name, color: `#0000${n}0` })),
    zones: [
      {
        name: 'A',
        position: { x: 0, y: 0 },
        rows: numbers(rows).map(row => ({
          row_number: String(row),
          position: { x: 0, y: 15 * row },
          seats: numbers(seatsPerRow).map(number => ({
            seat_guid: seatId(row, number),
            seat_number: String(number),
            position: { x: 10 * number, y: 0 },
            category: row === 1 ? 'Front' : 'Back',
          })),
        })),
        areas: areaIds.map((_, n) => ({
          shape: 'rectangle',
          position: { x: 30 * n, y: 20 * rows + 40 },
          rectangle: { width: 20, height: 20 },
        })),
      },
    ],
    holdfast: {
      seats: Object.fromEntries(Object.entries(attributes).map(([id, list]) => [id, { attributes: list }])),
      areas: Object.fromEntries(
        areaIds.map((area_id, n) => [n, { area_id, name: area_id, capacity: areas[area_id], price_level: 'Floor' }]),
      ),
    },
  }
}

export function seatId(row: number, number: number): string {
  return `A-${row}-${number}`
}

/** 1 to n. */
export function numbers(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1)
}
