import type { Availability } from '#availability'
import type { Catalog, EventDefinition } from '#catalog'
import type { UserId } from '#kernel/ids.ts'
import type { HoldCommand } from './hold-seats.ts'
import { type HoldRefusal, seatsUnavailable } from './refusal.ts'

/**
 * The answer of nine in ten in a flash sale, before anything is hashed or made: seats picked by id, one of them
 * surely taken, asked for by somebody whom nothing here is known of. Whatever is less plain goes the long way.
 */
export function refuseEarly(
  { userId, body }: Pick<HoldCommand, 'userId' | 'body'>,
  deps: {
    catalog: Pick<Catalog, 'definitions'>
    availability: Availability
    /** A hold of this user is being made. */
    isUnderWay: (definition: EventDefinition, userId: UserId) => boolean
  },
): HoldRefusal | null {
  const { catalog, availability, isUnderWay } = deps
  if (body.seat_ids === undefined || body.areas !== undefined || body.replaces !== undefined) return null
  const definition = catalog.definitions.cached(body.event_id)
  const seats = definition && availability.get(definition.eventNo)
  if (!seats || !availability.fresh() || seats.users.has(userId)) return null
  if (isUnderWay(definition, userId) || body.seat_ids.length > definition.ticketLimit) return null
  const now = availability.dbNow()
  if (!mayBeOnSale(definition, now)) return null
  let isRefused = false
  const taken: number[] = []
  for (const seatId of body.seat_ids) {
    const seatNo = definition.seatMap.seatNoOf(seatId)
    if (seatNo === -1) return null
    if (seats.isFree(seatNo, now)) continue
    taken.push(seatNo)
    isRefused ||= seats.isSurelyTaken(seatNo, now)
  }
  return isRefused ? seatsUnavailable(definition, taken) : null
}

/** Close to the opening the database's clock is asked, not ours. */
export function mayBeOnSale(definition: EventDefinition, now: number): boolean {
  if (definition.status === 'onsale') return true
  return definition.status === 'scheduled' && definition.onsaleAt !== null && definition.onsaleAt - now < 1000
}
