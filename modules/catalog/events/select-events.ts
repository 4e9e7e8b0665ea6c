import { type EventId, fromUuid, toUuid } from '#kernel/ids.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { Event, HoldPolicy, PriceLevel } from './event.ts'
import { type EventStatus, statusAt } from './event-status.ts'

/** The columns of an event with its venue and levels, for statements that begin `select ${eventColumns} ${eventTables}`. */
export const eventColumns = `
  e.event_no, e.event_id, e.version, e.seatmap_id, e.seatmap_version, e.status, e.slug, e.name, e.artist, e.description,
  e.image_url, e.starts_at, e.doors_at, e.onsale_at, e.currency, e.ticket_limit, e.hold_policy, e.late_payment, e.returns,
  v.venue_id, v.name as venue_name, v.city, v.country, v.timezone, l.price_levels,
  (extract(epoch from c.now) * 1000)::float8 as read_at`

export const eventTables = `
  from (select holdfast.clock() as now) c
  cross join holdfast.events e
  join holdfast.venues v on v.venue_id = e.venue_id
  cross join lateral (
    select jsonb_agg(jsonb_build_object('no', p.level_no, 'key', p.price_level, 'name', p.name, 'amount', p.amount,
      'color', p.color, 'retired', p.retired) order by p.level_no) as price_levels
    from holdfast.price_levels p
    where p.event_no = e.event_no
  ) l`

export interface EventRow {
  event_no: number
  event_id: string
  version: number
  seatmap_id: string
  seatmap_version: number
  status: EventStatus
  slug: string
  name: string
  artist: string | null
  description: string | null
  image_url: string | null
  starts_at: number
  doors_at: number | null
  onsale_at: number | null
  currency: string
  ticket_limit: number
  hold_policy: HoldPolicy
  late_payment: 'reclaim' | 'refund'
  returns: 'blocked' | 'available'
  venue_id: string
  venue_name: string
  city: string
  country: string
  timezone: string
  price_levels: (PriceLevel & { retired: boolean })[] | null
  /** Database time of the statement, milliseconds since 1970. */
  read_at: number
}

/** The event and what its status is by database time; locked until the transaction ends, if asked for. */
export async function findEvent(
  db: Queryable,
  eventId: EventId,
  { lock = false } = {},
): Promise<{ event: Event; statusNow: EventStatus } | null> {
  const { rows } = await db.query<EventRow>(
    `select ${eventColumns} ${eventTables} where e.event_id = $1 ${lock ? 'for update of e' : ''}`,
    [toUuid(eventId)],
  )
  if (!rows[0]) return null
  const event = asEvent(rows[0])
  return { event, statusNow: statusAt(event, rows[0].read_at) }
}

export function asEvent(row: EventRow): Event {
  return {
    eventNo: row.event_no,
    eventId: fromUuid('evt', row.event_id),
    version: row.version,
    seatMapId: fromUuid('map', row.seatmap_id),
    seatMapVersion: row.seatmap_version,
    status: row.status,
    slug: row.slug,
    name: row.name,
    artist: row.artist,
    description: row.description,
    imageUrl: row.image_url,
    venue: {
      venueId: fromUuid('ven', row.venue_id),
      name: row.venue_name,
      city: row.city,
      country: row.country,
      timezone: row.timezone,
    },
    startsAt: row.starts_at,
    doorsAt: row.doors_at,
    onsaleAt: row.onsale_at,
    currency: row.currency,
    ticketLimit: row.ticket_limit,
    holdPolicy: row.hold_policy,
    latePayment: row.late_payment,
    returns: row.returns,
    priceLevels: (row.price_levels ?? []).filter(level => !level.retired),
  }
}
