import { Availability, SeatsOfSection } from '#contracts/availability.ts'
import {
  Event,
  EventChange,
  EventList,
  NewEvent,
  NewVenue,
  SaleChange,
  SeatMap,
  SeatMapImported,
  Venue,
} from '#contracts/catalog.ts'
import { Account, AccountSession, GuestSession, Login, Me, NewStaff, Signup, StaffChange } from '#contracts/identity.ts'
import { Figures, ManifestAudit } from '#contracts/reports.ts'
import {
  checkoutAnswer,
  checkoutBody,
  holdBody,
  refundAnswer,
  refundBody,
  reservation,
  reservationList,
  seatsBulkAnswer,
  seatsBulkBody,
} from '#contracts/reservations.ts'
import { DoorKeys, Ticket, TicketList } from '#contracts/tickets.ts'
import { problemSchema } from './problem-responses.ts'

/** The schemas that readers and generated clients know by name. */
export const models: Record<string, object> = {
  Event,
  EventList,
  Venue,
  SeatMap,
  Availability,
  SeatsOfSection,
  HoldRequest: holdBody,
  Reservation: reservation,
  ReservationList: reservationList,
  CheckoutRequest: checkoutBody,
  Checkout: checkoutAnswer,
  RefundRequest: refundBody,
  Refund: refundAnswer,
  Ticket,
  TicketList,
  DoorKeys,
  GuestSession,
  AccountSession,
  Signup,
  Login,
  Me,
  NewVenue,
  SeatMapImported,
  NewEvent,
  EventChange,
  SaleChange,
  SeatsBulk: seatsBulkBody,
  SeatsBulkResult: seatsBulkAnswer,
  ManifestAudit,
  Figures,
  NewStaff,
  StaffChange,
  Account,
  Problem: problemSchema,
}

/** What stands under `components` of the document, by kind and name. */
export type Components = Record<string, Record<string, object>>

/** The document with each of these said once, under `components`, and referred to wherever else it stood. */
export function sayOnce<Document extends object>(document: Document, shared: Components): Document {
  const places = new Map<string, string>()
  for (const [kind, named] of Object.entries(shared))
    for (const [name, value] of Object.entries(named)) places.set(JSON.stringify(value), `#/components/${kind}/${name}`)

  const refer = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    const $ref = places.get(JSON.stringify(value))
    return $ref === undefined ? within(value) : { $ref }
  }
  const within = (value: object): object =>
    Array.isArray(value) ? value.map(refer) : mapValues(value as Record<string, unknown>, refer)

  const { components, ...rest } = document as { components: object }
  const said = mapValues(shared, named => mapValues(named, within))
  return { ...within(rest), components: { ...components, ...said } } as unknown as Document
}

function mapValues<From, To>(record: Record<string, From>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}
