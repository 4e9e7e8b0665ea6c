import type { EventChange } from '#contracts/catalog.ts'
import { assert } from '#kernel/assert.ts'
import type { EventId } from '#kernel/ids.ts'
import { type Ok, ok, type Refusal } from '#kernel/outcome.ts'
import type { Tx } from '#platform/postgres/database.ts'
import { sqlState } from '#platform/postgres/errors.ts'
import type { CatalogPorts } from '../ports.ts'
import type { SeatMap } from '../seat-map/seat-map.ts'
import { type InvalidEvent, termValues } from './create-event.ts'
import type { Event } from './event.ts'
import type { EventStatus } from './event-status.ts'
import { type FieldError, termErrors, termsAfter } from './event-terms.ts'
import { categoriesInUse, priceLevelErrors, readPriceLevels, storePriceLevels } from './price-levels.ts'
import { findEvent } from './select-events.ts'

export type ChangeOutcome =
  | Ok<{ eventNo: number }>
  | InvalidEvent
  | Refusal<'event-not-found'>
  | Refusal<'version-mismatch'>
  | Refusal<'slug-taken'>
  | Refusal<'seatmap-in-use'>
  | (Refusal<'invalid-transition'> & { status: EventStatus })

/**
 * Changes what is given and nothing else, if the event still has the version that the organiser saw (null: any). The map is
 * fixed once there is an event: its seats exist as rows. The currency is fixed once the event has left `draft`, which is
 * before anybody can hold a seat; the start of the sale, once it has begun.
 */
export async function changeEvent(
  tx: Tx,
  ports: CatalogPorts,
  command: { eventId: EventId; version: number | null; seatMap: SeatMap; given: EventChange },
): Promise<ChangeOutcome> {
  const { given, seatMap } = command
  // Locked, so that the levels in use stay so, and so that a change of "any version" waits for another instead of failing.
  const found = await findEvent(tx, command.eventId, { lock: true })
  if (found === null) return { ok: false, code: 'event-not-found' }
  const { event } = found
  if (command.version !== null && command.version !== event.version) return { ok: false, code: 'version-mismatch' }
  if (given.seatmap_id !== undefined && given.seatmap_id !== event.seatMapId)
    return { ok: false, code: 'seatmap-in-use' }

  const terms = termsAfter(given, event)
  const levels = given.price_levels && readPriceLevels(given.price_levels)
  const errors = [...termErrors(terms), ...fixedErrors(event, terms)]
  if (levels) errors.push(...priceLevelErrors(levels, await levelsInUse(tx, event, seatMap)))
  if (errors.length > 0) return { ok: false, code: 'invalid-event', errors }

  const movesSale = terms.onsaleAt !== event.onsaleAt
  const updated = await updateEvent(tx, event, { ...terms, slug: given.slug ?? event.slug, movesSale })
  if (updated === 'slug-taken') return { ok: false, code: 'slug-taken' }
  if (updated === null) return { ok: false, code: 'invalid-transition', status: found.statusNow }
  if (levels && !(await storePriceLevels(tx, event.eventNo, levels, seatMap))) {
    const message = 'the event has had 255 price levels; their numbers are used up'
    return { ok: false, code: 'invalid-event', errors: [{ path: 'price_levels', message }] }
  }
  await ports.announceEventChanged?.(tx, { eventNo: event.eventNo, version: updated })
  return ok({ eventNo: event.eventNo })
}

function fixedErrors(event: Event, terms: { currency: string; onsaleAt: number | null }): FieldError[] {
  const errors = []
  if (terms.currency !== event.currency && event.status !== 'draft') {
    errors.push({ path: 'currency', message: `is ${event.currency} since the event left draft` })
  }
  if (terms.onsaleAt === null && event.status === 'scheduled') {
    errors.push({ path: 'onsale_at', message: 'must be a time while the event is scheduled' })
  }
  return errors
}

/** Levels that a seat or an area is sold at: by the plan, or by staff for single seats. */
async function levelsInUse(tx: Tx, event: Event, seatMap: SeatMap): Promise<Set<string>> {
  const { rows } = await tx.query<{ price_level: string }>(
    `select distinct p.price_level
     from holdfast.seat_price_levels s
     join holdfast.price_levels p on p.event_no = s.event_no and p.level_no = s.level_no
     where s.event_no = $1`,
    [event.eventNo],
  )
  return new Set([...categoriesInUse(seatMap), ...rows.map(row => row.price_level)])
}

type Update = ReturnType<typeof termsAfter> & { slug: string; movesSale: boolean }

/** The guarded write: the new version, or null when the sale that is to be moved has begun or was never scheduled. */
async function updateEvent(tx: Tx, event: Event, to: Update): Promise<number | null | 'slug-taken'> {
  try {
    const { rows } = await tx.query<{ version: number }>(
      `update holdfast.events e
       set version = e.version + 1, changed_at = c.now, slug = $4, name = $5, artist = $6, description = $7, image_url = $8,
         starts_at = $9, doors_at = $10, onsale_at = $11, currency = $12, ticket_limit = $13, hold_policy = $14,
         late_payment = $15, returns = $16
       from (select holdfast.clock() as now) c
       where e.event_no = $1 and e.version = $2
         and (not $3 or e.status = 'draft' or (e.status = 'scheduled' and e.onsale_at > c.now))
       returning e.version`,
      [event.eventNo, event.version, to.movesSale, to.slug, ...termValues(to)],
    )
    assert(rows[0] || to.movesSale, 'nobody changes an event that this transaction has locked')
    return rows[0]?.version ?? null
  } catch (error) {
    if (sqlState(error) === '23505') return 'slug-taken' // the only unique key that this statement can meet
    throw error
  }
}
