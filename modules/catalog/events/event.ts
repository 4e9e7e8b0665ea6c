import type { EventId, SeatMapId, VenueId } from '#kernel/ids.ts'
import type { EventStatus } from './event-status.ts'

export interface Venue {
  venueId: VenueId
  name: string
  city: string
  /** ISO 3166-1 alpha-2. */
  country: string
  /** IANA name. */
  timezone: string
}

/** What a seat of the event can cost. */
export interface PriceLevel {
  /** Ordinal that reservations keep; never given to another level. */
  no: number
  /** The plan's category. */
  key: string
  name: string
  /** What the fan pays, in minor units. */
  amount: number
  color: string
}

/** How holds of this event behave. Stored and sent as it is. */
export interface HoldPolicy {
  hold_seconds: number
  max_extensions: number
  extension_seconds: number
  single_seat_rule: 'enforce' | 'allow'
}

export const defaultHoldPolicy: HoldPolicy = {
  hold_seconds: 600,
  max_extensions: 1,
  extension_seconds: 300,
  single_seat_rule: 'enforce',
}

/** Live holds and live tickets of one user in the event, where the organiser does not say. */
export const defaultTicketLimit = 10

/** An event as it is stored. Times are milliseconds since 1970. */
export interface Event {
  eventNo: number
  eventId: EventId
  version: number
  seatMapId: SeatMapId
  seatMapVersion: number
  /** As decided by staff; `statusAt` says what holds now. */
  status: EventStatus
  slug: string
  name: string
  artist: string | null
  description: string | null
  imageUrl: string | null
  venue: Venue
  startsAt: number
  doorsAt: number | null
  onsaleAt: number | null
  currency: string
  ticketLimit: number
  holdPolicy: HoldPolicy
  latePayment: 'reclaim' | 'refund'
  /** What becomes of a place whose ticket is refunded. */
  returns: 'blocked' | 'available'
  /** By ordinal. A level that is no longer offered is missing here. */
  priceLevels: readonly PriceLevel[]
}
