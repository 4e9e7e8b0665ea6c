import type { Clock } from '#kernel/clock.ts'
import { newId, type SeatMapId, toUuid, type VenueId } from '#kernel/ids.ts'
import type { Random } from '#kernel/random.ts'
import type { Tx } from '#platform/postgres/database.ts'
import type { PreparedSeatMap } from './prepare-seat-map.ts'

/**
 * Stores a map under the next version of its venue; null when there is no such venue. The venue's row is locked, so that two
 * imports at once get two versions.
 */
export async function storeSeatMap(
  tx: Tx,
  source: { clock: Clock; random: Random },
  venueId: VenueId,
  map: PreparedSeatMap,
): Promise<{ seatMapId: SeatMapId; version: number } | null> {
  const venue = await tx.query('select from holdfast.venues where venue_id = $1 for update', [toUuid(venueId)])
  if (venue.rowCount === 0) return null
  const seatMapId = newId('map', source)
  const { rows } = await tx.query<{ version: number }>(
    `insert into holdfast.seatmaps (seatmap_id, venue_id, version, name, seat_count, area_count, geometry_hash, geometry)
     select $1, $2, coalesce(max(s.version), 0) + 1, $3, $4, $5, $6, $7 from holdfast.seatmaps s where s.venue_id = $2
     returning version`,
    [
      toUuid(seatMapId),
      toUuid(venueId),
      map.name,
      map.seatCount,
      map.areaCount,
      Buffer.from(map.geometryHash),
      Buffer.from(map.geometry),
    ],
  )
  return { seatMapId, version: rows[0]!.version }
}
