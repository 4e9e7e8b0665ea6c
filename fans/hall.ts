/** What a rehearsal is played in, when it is given no event. */
export type Hall = { places: number; holdSeconds: number; maxExtensions?: number }

/** Small enough to sell out, and holds so short that the end of those who leave can be waited for. */
export const smallHall: Hall = { places: 520, holdSeconds: 12 }

/** Seats of a zone: ten rows of ten. */
const zoneSeats = 100
const zonesAcross = 20
const standingShare = 0.23

type Organise = (path: string, body: object) => Promise<Record<string, unknown>>

/** Makes venue, map and event as an organiser does, and opens the sale; returns the id of the event. */
export async function makeConcert(
  { places, holdSeconds, maxExtensions = 0 }: Hall,
  organise: Organise,
): Promise<string> {
  const zones = Math.max(1, Math.floor((places * (1 - standingShare)) / zoneSeats))
  const standing = Math.max(1, places - zones * zoneSeats)
  const venue = await organise('/venues', {
    name: 'Rehearsal Hall',
    city: 'Bern',
    country: 'CH',
    timezone: 'Europe/Zurich',
  })
  const lines = Math.ceil(zones / zonesAcross)
  const map = await organise(`/venues/${venue.venue_id}/seatmaps`, {
    name: 'Rehearsal',
    size: { width: zonesAcross * 200 + 40, height: lines * 240 + 100 },
    categories: [
      { name: 'Seats', color: '#0072b2' },
      { name: 'Standing', color: '#e69f00' },
    ],
    zones: [
      ...Array.from({ length: zones }, (_, i) =>
        zone(String(i + 1), { x: 20 + (i % zonesAcross) * 200, y: 40 + Math.floor(i / zonesAcross) * 240 }),
      ),
      {
        name: 'Floor',
        position: { x: 20, y: lines * 240 + 20 },
        rows: [],
        areas: [
          {
            shape: 'rectangle',
            position: { x: 0, y: 0 },
            rectangle: { width: 400, height: 60 },
            text: { text: 'Floor' },
          },
        ],
      },
    ],
    holdfast: { areas: { '0': { area_id: 'floor', name: 'Floor', capacity: standing, price_level: 'Standing' } } },
  })
  const event = await organise('/events', {
    venue_id: venue.venue_id,
    seatmap_id: map.seatmap_id,
    name: 'Rehearsal',
    starts_at: '2035-06-01T18:00:00Z',
    currency: 'EUR',
    price_levels: [
      { price_level: 'Seats', name: 'Seats', amount: 4500 },
      { price_level: 'Standing', name: 'Standing', amount: 2500 },
    ],
    hold_policy: {
      hold_seconds: holdSeconds,
      max_extensions: maxExtensions,
      extension_seconds: 10,
      single_seat_rule: 'allow',
    },
  })
  await organise(`/events/${event.event_id}/onsale`, { action: 'open' })
  return event.event_id as string
}

function zone(name: string, position: { x: number; y: number }) {
  return {
    name,
    position,
    areas: [],
    rows: Array.from({ length: 10 }, (_, row) => ({
      row_number: String(row + 1),
      position: { x: 0, y: row * 20 },
      seats: Array.from({ length: 10 }, (_, seat) => ({
        seat_guid: `${name}-${row + 1}-${seat + 1}`,
        seat_number: String(seat + 1),
        position: { x: seat * 14, y: 0 },
        category: 'Seats',
      })),
    })),
  }
}
