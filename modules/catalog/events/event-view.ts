import type { Event as EventBody } from '#contracts/catalog.ts'
import type { Event } from './event.ts'
import type { EventStatus } from './event-status.ts'

/** The event as the wire has it; `status` is what holds now. */
export function eventView(event: Event, status: EventStatus): EventBody {
  const time = (at: number | null) => (at === null ? null : new Date(at).toISOString())
  const { venue } = event
  return {
    event_id: event.eventId,
    slug: event.slug,
    name: event.name,
    artist: event.artist,
    description: event.description,
    image_url: event.imageUrl,
    venue: {
      venue_id: venue.venueId,
      name: venue.name,
      city: venue.city,
      country: venue.country,
      timezone: venue.timezone,
    },
    starts_at: new Date(event.startsAt).toISOString(),
    doors_at: time(event.doorsAt),
    onsale_at: time(event.onsaleAt),
    status,
    currency: event.currency,
    price_levels: event.priceLevels.map(({ key, name, amount, color }) => ({ price_level: key, name, amount, color })),
    ticket_limit: event.ticketLimit,
    hold_policy: event.holdPolicy,
    late_payment: event.latePayment,
    returns: event.returns,
    seatmap_id: event.seatMapId,
    seatmap_version: event.seatMapVersion,
    waiting_room: { state: 'off' },
  }
}

/**
 * Names one answer: every change counts the version up, and a scheduled event goes on sale without one. `If-Match` looks at
 * the version alone.
 */
export function eventTag(event: Event, status: EventStatus): string {
  return `"${event.version}.${status}"`
}

/** The version that an `If-Match` names: null for `*`, undefined when it names none of ours. */
export function versionOf(ifMatch: string): number | null | undefined {
  if (ifMatch.trim() === '*') return null
  const version = /^\s*(?:W\/)?"(\d{1,9})\.[a-z]+"\s*$/.exec(ifMatch)?.[1]
  return version === undefined ? undefined : Number(version)
}
