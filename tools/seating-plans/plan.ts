/** The open seating-plan format, as far as these generators write it. Lengths: 20 units are a metre. */
export interface Plan {
  name: string
  size: { width: number; height: number }
  categories: { name: string; color: string }[]
  zones: Zone[]
  holdfast: {
    seats: Record<string, { attributes: string[] }>
    areas: Record<string, { area_id: string; name: string; capacity: number; price_level: string }>
  }
}

export interface Point {
  x: number
  y: number
}

export interface Zone {
  name: string
  position: Point
  rows: Row[]
  areas?: Area[]
}

export interface Row {
  row_number: string
  row_number_position: 'both'
  position: Point
  seats: Seat[]
}

export interface Seat {
  seat_guid: string
  seat_number: string
  position: Point
  category: string
}

export interface Area {
  shape: 'rectangle' | 'circle' | 'ellipse' | 'polygon'
  color: string
  border_color?: string
  position: Point
  rectangle?: { width: number; height: number }
  circle?: { radius: number }
  ellipse?: { radius: Point }
  polygon?: { points: Point[] }
  text?: { text: string; position: Point; color: string; size: number }
}

export const metre = 20

/** A row as it is built: where its seats are, from the middle of the plan, in the order in which they are numbered. */
export interface BuiltRow {
  label: string
  category: string
  seats: (Point & { attributes?: string[] })[]
}

/**
 * Puts rows together as a zone: positions relative to their parents and with one decimal, which is half a centimetre and
 * keeps a plan of 30,000 seats below 4 MB.
 */
export function addZone(plan: Plan, name: string, center: Point, built: BuiltRow[]): void {
  const rows = built.filter(row => row.seats.length > 0)
  const first = rows[0]!.seats[0]!
  const origin = { x: Math.round(center.x + first.x), y: Math.round(center.y + first.y) }
  plan.zones.push({
    name,
    position: origin,
    rows: rows.map(({ label, category, seats }) => {
      const start = { x: tenth(center.x + seats[0]!.x - origin.x), y: tenth(center.y + seats[0]!.y - origin.y) }
      return {
        row_number: label,
        row_number_position: 'both',
        position: start,
        seats: seats.map(({ x, y, attributes }, i) => {
          const guid = `${name}-${label}-${i + 1}`
          if (attributes?.length) plan.holdfast.seats[guid] = { attributes }
          const position = { x: tenth(center.x + x - origin.x - start.x), y: tenth(center.y + y - origin.y - start.y) }
          return { seat_guid: guid, seat_number: String(i + 1), position, category }
        }),
      }
    }),
  })
}

/** JSON with a line for every row: small, and a change of one row shows as one line. */
export function formatPlan(plan: Plan): string {
  const zone = ({ rows, areas = [], ...rest }: Zone) => {
    const head = JSON.stringify(rest).slice(0, -1)
    const lines = (items: object[]) =>
      items.length ? `[\n${items.map(item => JSON.stringify(item)).join(',\n')}]` : '[]'
    return `${head},"rows":${lines(rows)}${areas.length ? `,"areas":${lines(areas)}` : ''}}`
  }
  const seats = Object.entries(plan.holdfast.seats).map(
    ([guid, extra]) => `${JSON.stringify(guid)}:${JSON.stringify(extra)}`,
  )
  return [
    `{"name":${JSON.stringify(plan.name)},"size":${JSON.stringify(plan.size)},`,
    `"categories":${JSON.stringify(plan.categories)},`,
    `"zones":[\n${plan.zones.map(zone).join(',\n')}],`,
    `"holdfast":{"areas":${JSON.stringify(plan.holdfast.areas)},"seats":{\n${seats.join(',\n')}}}}\n`,
  ].join('\n')
}

function tenth(value: number): number {
  // Adding 0 turns -0 into 0: JSON has both, and they would differ in the file.
  return Math.round(value * 10) / 10 + 0
}
