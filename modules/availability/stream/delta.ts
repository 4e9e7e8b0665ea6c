import type { AvailabilityDelta, AvailabilityResync } from '#contracts/availability.ts'
import { eventFrame } from '#platform/http/event-stream.ts'
import type { EventSeats } from '../event-seats.ts'
import type { PublishedEvent } from '../publish/published-event.ts'

/** What changed visibly since that version, as it is now; null when that is not known any more. */
export function deltaSince(seats: EventSeats, published: PublishedEvent, version: number): AvailabilityDelta | null {
  const changed = seats.recent.since(version)
  if (changed === null) return null
  const areas = changed.areaNos.map(areaNo => [seats.map.areas[areaNo]!.areaId, seats.areaAvailable[areaNo]!])
  return {
    version: published.versionName(seats.version),
    changes: changed.seatNos.map(seatNo => [seatNo, seats.shown[seatNo]!]),
    areas: Object.fromEntries(areas),
  }
}

export function deltaFrame(delta: AvailabilityDelta): Buffer {
  return eventFrame({ id: delta.version, event: 'delta', data: delta })
}

export function resyncFrame(version: string): Buffer {
  const data: AvailabilityResync = { version }
  return eventFrame({ id: version, event: 'resync', data })
}
