import { assert } from '#kernel/assert.ts'
import { toUuid } from '#kernel/ids.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { SeatMap } from '../seat-map/seat-map.ts'
import type { SeatMaps } from '../seat-map/seat-maps.ts'
import type { Event } from './event.ts'
import { asEvent, type EventRow, eventColumns, eventTables } from './select-events.ts'

/** An event with everything that a sale is judged by, as one version of it. Immutable. */
export interface EventDefinition extends Event {
  /** Shared by all events of the same geometry. */
  seatMap: SeatMap
  /** Name of the geometry, hex. */
  geometryHash: string
  /** Price level (ordinal) of each seat. */
  seatLevel: Uint8Array
  areas: readonly { areaNo: number; areaId: string; level: number; capacity: number }[]
  /** The `price_level` of a number, also of one that is no longer offered: reservations outlive it. */
  levelKey(no: number): string
}

export type EventKey = { eventNo: number } | { eventId: Event['eventId'] } | { slug: string }

/** Reads the event as it is now, and the database's time; null when there is none. */
export async function loadDefinition(
  db: Queryable,
  seatMaps: SeatMaps,
  key: EventKey,
): Promise<{ definition: EventDefinition; readAt: number } | null> {
  const [column, value] =
    'eventNo' in key
      ? ['event_no', key.eventNo]
      : 'slug' in key
        ? ['slug', key.slug]
        : ['event_id', toUuid(key.eventId)]
  const { rows } = await db.query<EventRow>(`select ${eventColumns} ${eventTables} where e.${column} = $1`, [value])
  if (!rows[0]) return null
  const event = asEvent(rows[0])
  const map = await seatMaps.get(event.seatMapId)
  assert(map, 'the seat map of an event exists')
  const overrides = await db.query<{ seat_no: number; level_no: number }>(
    'select seat_no, level_no from holdfast.seat_price_levels where event_no = $1',
    [event.eventNo],
  )
  const keys = new Map(rows[0].price_levels?.map(level => [level.no, level.key]))
  const levelKey = (no: number) => {
    const key = keys.get(no)
    assert(key !== undefined, 'a price level of an event is never removed')
    return key
  }
  const definition = { ...event, ...map, ...assignLevels(event, map.seatMap, overrides.rows), levelKey }
  return { definition, readAt: rows[0].read_at }
}

function assignLevels(event: Event, map: SeatMap, overrides: readonly { seat_no: number; level_no: number }[]) {
  const numberOf = new Map(event.priceLevels.map(level => [level.key, level.no]))
  const levelOf = Uint8Array.from(map.categories, ({ name }) => numberOf.get(name) ?? noLevel)
  const seatLevel = map.category.map(category => levelOf[category]!)
  for (const { seat_no, level_no } of overrides) seatLevel[seat_no] = level_no
  assert(!seatLevel.includes(noLevel), 'every seat has a price level')
  const areas = map.areas.map(({ areaNo, areaId, capacity, category }) => {
    return { areaNo, areaId, capacity, level: levelOf[category]! }
  })
  return { seatLevel, areas }
}

const noLevel = 255
