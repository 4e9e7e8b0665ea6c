import Type, { type Static } from 'typebox'

const count = (description: string) => Type.Integer({ minimum: 0, description })

const counts = {
  holds: count('Reservations made.'),
  places_held: count('Places in them, seats and general admission.'),
  extended: count('Holds given more time.'),
  cancelled: count('Reservations given up or replaced.'),
  places_cancelled: count('Places in those.'),
  expired: count('Reservations that ran out.'),
  places_expired: count('Places in those.'),
  sales: count('Reservations paid.'),
  places_sold: count('Places in those.'),
  sold_amount: count('What they cost. Minor units.'),
  declined: count('Cards that were declined.'),
  refunds: count('Refunds carried out.'),
  refunded_amount: count('What was given back. Minor units.'),
}

/** `GET /v1/events/{id}/figures`. */
export const Figures = Type.Object({
  event_id: Type.String(),
  as_of: Type.String({
    format: 'date-time',
    description: 'When they were read; they follow the sale by a second or two.',
  }),
  totals: Type.Object(counts, { description: 'Since the event was made.' }),
  minutes: Type.Array(
    Type.Object({ minute: Type.String({ format: 'date-time', description: 'Its beginning.' }), ...counts }),
    { description: 'Oldest first; a minute in which nothing happened is left out.' },
  ),
})
export type Figures = Static<typeof Figures>

const amount = (description: string) => Type.Integer({ description: `${description} Minor units.` })

/** `GET /v1/events/{id}/audit`. */
export const ManifestAudit = Type.Object({
  capacity: count('Every seat, and every place in every area.'),
  available: count('Nobody has them. A hold that has run out counts here.'),
  held: count('In a cart.'),
  reserved: count('A payment is open at the provider.'),
  sold: count('A live ticket says so.'),
  blocked: count('Set aside by staff.'),
  balanced: Type.Boolean({ description: 'Everything adds up and nothing contradicts anything.' }),
  oversold: count('Seats and places that people have beyond what there is. Must be 0.'),
  live_tickets: count('Neither void nor transferred.'),
  captured_amount: amount('Taken from buyers.'),
  refunded_amount: amount('Given back.'),
  refund_pending_amount: amount('On its way back.'),
  quarantined_amount: amount('Came in, and fits no reservation.'),
  ticket_value: amount('What the live tickets were sold for.'),
  discrepancies: Type.Array(Type.Object({ kind: Type.String(), detail: Type.String() }), {
    description: 'What contradicts what; the first hundred.',
  }),
  discrepancy_count: count('All of them.'),
})
export type ManifestAudit = Static<typeof ManifestAudit>
