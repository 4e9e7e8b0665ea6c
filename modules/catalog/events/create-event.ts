import type { NewEvent } from '#contracts/catalog.ts'
import type { Clock } from '#kernel/clock.ts'
import { type EventId, newId, type SeatMapId, toUuid, type VenueId } from '#kernel/ids.ts'
import { type Ok, ok, type Refusal } from '#kernel/outcome.ts'
import type { Random } from '#kernel/random.ts'
import type { Tx } from '#platform/postgres/database.ts'
import type { CatalogPorts } from '../ports.ts'
import type { SeatMap } from '../seat-map/seat-map.ts'
import { type EventTerms, type FieldError, termErrors, termsAfter } from './event-terms.ts'
import { categoriesInUse, priceLevelErrors, readPriceLevels, storePriceLevels } from './price-levels.ts'
import { slugOf } from './slug.ts'

export type InvalidEvent = Refusal<'invalid-event'> & { errors: FieldError[] }

/** What to sell where: the ids as they were read from the request, and the map, loaded beforehand. */
export type EventOffer = { venueId: VenueId; seatMapId: SeatMapId; seatMap: SeatMap }

type Outcome = Ok<{ eventId: EventId; eventNo: number }> | InvalidEvent | Refusal<'slug-taken'> | Refusal<'not-found'>

/** A new event in draft, with its prices and its stock of seats and areas, in the caller's transaction. */
export async function createEvent(
  tx: Tx,
  ports: CatalogPorts & { clock: Clock; random: Random },
  offer: EventOffer,
  given: NewEvent,
): Promise<Outcome> {
  const { seatMap } = offer
  const terms = termsAfter(given)
  const levels = readPriceLevels(given.price_levels)
  const errors = [...termErrors(terms), ...priceLevelErrors(levels, categoriesInUse(seatMap))]
  if (errors.length > 0) return { ok: false, code: 'invalid-event', errors }

  const place = await findPlace(tx, offer)
  if (place === null) return { ok: false, code: 'not-found' }
  const eventId = newId('evt', ports)
  const slugs = given.slug === undefined ? slugCandidates(slugOf(terms.name), eventId) : [given.slug]
  const eventNo = await insertEvent(tx, { eventId, place, slugs, ...offer, ...terms })
  if (eventNo === null) return { ok: false, code: 'slug-taken' }
  await storePriceLevels(tx, eventNo, levels, seatMap)
  await ports.prepareInventory(tx, {
    eventNo,
    seatCount: seatMap.seatCount,
    areas: seatMap.areas.map(({ areaNo, areaId, capacity }) => ({ areaNo, areaId, capacity })),
  })
  return ok({ eventId, eventNo })
}

/** Words of the place for search, if the map is one of the venue's. */
async function findPlace(tx: Tx, { venueId, seatMapId }: EventOffer): Promise<string | null> {
  const { rows } = await tx.query<{ place: string }>(
    `select v.name || ' ' || v.city as place
     from holdfast.seatmaps s join holdfast.venues v on v.venue_id = s.venue_id
     where s.seatmap_id = $1 and v.venue_id = $2`,
    [toUuid(seatMapId), toUuid(venueId)],
  )
  return rows[0]?.place ?? null
}

/** The name's slug, then numbered, then one that nobody else can have. */
function slugCandidates(base: string, eventId: EventId): string[] {
  return [base, `${base}-2`, `${base}-3`, `${base}-4`, `${base}-${eventId.slice(4)}`]
}

type Insertion = EventTerms & {
  eventId: EventId
  venueId: VenueId
  seatMapId: SeatMapId
  place: string
  slugs: readonly string[]
}

/** The number of the new event, or null when every slug is taken: the unique key decides between two at once. */
async function insertEvent(tx: Tx, event: Insertion): Promise<number | null> {
  for (const slug of event.slugs) {
    const { rows } = await tx.query<{ event_no: number }>(
      `insert into holdfast.events (event_id, venue_id, seatmap_id, slug, place, name, artist, description, image_url,
         starts_at, doors_at, onsale_at, currency, ticket_limit, hold_policy, late_payment, returns)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
       on conflict on constraint a_slug_names_one_event do nothing
       returning event_no`,
      [toUuid(event.eventId), toUuid(event.venueId), toUuid(event.seatMapId), slug, event.place, ...termValues(event)],
    )
    if (rows[0]) return rows[0].event_no
  }
  return null
}

/** The terms in the order name, artist, description, image, start, doors, on-sale, currency, limit, policy, late payment, returns. */
export function termValues(terms: EventTerms): unknown[] {
  const time = (at: number | null) => (at === null ? null : new Date(at).toISOString())
  return [
    terms.name,
    terms.artist,
    terms.description,
    terms.imageUrl,
    time(terms.startsAt),
    time(terms.doorsAt),
    time(terms.onsaleAt),
    terms.currency,
    terms.ticketLimit,
    JSON.stringify(terms.holdPolicy),
    terms.latePayment,
    terms.returns,
  ]
}
