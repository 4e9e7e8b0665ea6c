import assert from 'node:assert/strict'
import { newId, type ReservationId, type UserId } from '#kernel/ids.ts'
import type { HoldOutcome, HoldRequest } from '../ports.ts'
import type { counterSource } from './commands.ts'
import type { Stand } from './stand.ts'

type Ids = ReturnType<typeof counterSource>

/** A request for seats and places by number; everything else as an event on sale would have it, unless said. */
export function makeRequest(
  ids: Ids,
  {
    seats = [],
    areas = [],
    ...given
  }: Partial<Omit<HoldRequest, 'seats' | 'areas'>> & {
    eventNo: number
    userId?: UserId
    reservationId?: ReservationId
    seats?: number[]
    areas?: { areaNo: number; quantity: number }[]
  },
): HoldRequest {
  const places = areas.reduce((sum, area) => sum + area.quantity, 0)
  return {
    userId: newId('usr', ids),
    reservationId: newId('rsv', ids, given.eventNo),
    keyHash: '1'.repeat(32),
    requestHash: '2'.repeat(32),
    eventVersion: 1,
    seats: seats.map(seatNo => ({ seatNo, level: 0, amount: 1000 })),
    areas: areas.map(area => ({ ...area, level: 1, amount: 500 })),
    quantity: seats.length + places,
    amount: 1000 * seats.length + 500 * places,
    currency: 'EUR',
    ticketLimit: 8,
    holdSeconds: 600,
    extensions: 1,
    replaces: null,
    probe: false,
    arrival: 0,
    ...given,
  }
}

/** Holds in one batch, all of which must succeed. */
export async function hold(stand: Stand, requests: HoldRequest[]): Promise<void> {
  const outcomes = await tryHold(stand, requests)
  for (const outcome of outcomes) assert.equal(outcome.kind, 'held')
}

export async function tryHold(
  stand: Pick<Stand, 'holdBatch'>,
  requests: HoldRequest[],
  options?: { careful?: boolean },
): Promise<HoldOutcome[]> {
  return (await stand.holdBatch(requests, options)).outcomes
}
