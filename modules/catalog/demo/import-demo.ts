import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Event, SeatMapImported, Venue } from '#contracts/catalog.ts'
import { localTime } from './local-time.ts'

type Demo = {
  venues: { key: string; name: string; city: string; country: string; timezone: string; seating_plan: string }[]
  events: DemoEvent[]
}
type Moment = { days_from_import: number; time: string }
type DemoEvent = Record<string, unknown> & {
  venue: string
  name: string
  starts: Moment
  doors: Moment
  sale: { action: 'open' | 'schedule'; onsale?: Moment }
}

export type DemoImport = {
  /** Origin of the running server. */
  baseUrl: string
  /** Access token of an organiser. */
  token: string
  /** Milliseconds since 1970; dates of the demo are counted from it. */
  now: number
  log: (line: string) => void
}

const folder = fileURLToPath(new URL('../../../demo/', import.meta.url))

/**
 * Brings the demo venues, seating plans and events into a running server through the API that an organiser uses, and puts
 * them on sale. Safe to repeat after a failure half-way on the same day: what was made is not made again.
 *
 * @returns the slugs of the events
 * @throws Error with the server's own words when it refuses something
 */
export async function importDemo(options: DemoImport): Promise<string[]> {
  const demo = JSON.parse(await readFile(`${folder}events.json`, 'utf8')) as Demo
  const venues = new Map<string, { venue_id: string; seatmap_id: string; timezone: string }>()
  for (const { key, seating_plan, ...venue } of demo.venues) {
    const { venue_id } = await post<Venue>(options, '/v1/venues', venue)
    const plan = await readFile(`${folder}seating-plans/${seating_plan}`)
    const map = await post<SeatMapImported>(options, `/v1/venues/${venue_id}/seatmaps`, plan)
    options.log(`${venue.name}: ${map.seats} seats and ${map.areas} areas from ${seating_plan}`)
    venues.set(key, { venue_id, seatmap_id: map.seatmap_id, timezone: venue.timezone })
  }
  const slugs: string[] = []
  for (const event of demo.events) slugs.push(await addEvent(options, venues.get(event.venue)!, event))
  return slugs
}

async function addEvent(
  options: DemoImport,
  { timezone, ...place }: { venue_id: string; seatmap_id: string; timezone: string },
  { venue: _, starts, doors, sale, ...event }: DemoEvent,
): Promise<string> {
  const at = ({ days_from_import, time }: Moment) =>
    new Date(localTime({ from: options.now, days: days_from_import, time, timezone })).toISOString()
  const body = { ...event, ...place, starts_at: at(starts), doors_at: at(doors) }
  const { event_id, slug } = await post<Event>(options, '/v1/events', body)
  await post<Event>(options, `/v1/events/${event_id}/onsale`, {
    action: sale.action,
    ...(sale.onsale && { onsale_at: at(sale.onsale) }),
  })
  options.log(`${event.name}: ${sale.action === 'open' ? 'on sale' : 'scheduled'}`)
  return slug
}

/** The key is made of what is sent, so that a repeated import gets the first one's answers. */
async function post<Answer>({ baseUrl, token }: DemoImport, path: string, given: object | Buffer): Promise<Answer> {
  const body = Buffer.isBuffer(given) ? new Uint8Array(given) : JSON.stringify(given)
  const key = createHash('sha256').update(path).update('\0').update(body).digest('base64url')
  const response = await fetch(baseUrl + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': `demo-${key}` },
    body,
  })
  const answer: unknown = await response.json()
  if (response.ok) return answer as Answer
  const { detail } = answer as { detail?: string }
  throw new Error(`The demo could not be imported: POST ${path} was refused with ${response.status}: ${detail}`)
}
