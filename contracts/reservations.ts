import Type from 'typebox'
import { SeatSelection } from './catalog.ts'

const seatId = Type.String({ minLength: 1, maxLength: 64 })
const quantity = Type.Integer({ minimum: 1, maximum: 50, description: 'How many places.' })

/** `POST /v1/reservations`: seats and areas, or alone a wish for the best available. */
export const holdBody = Type.Object(
  {
    event_id: Type.String({ minLength: 1, maxLength: 64 }),
    seat_ids: Type.Optional(
      Type.Array(seatId, {
        minItems: 1,
        maxItems: 50,
        uniqueItems: true,
        description: 'Seats by name; all of them or none. May stand beside `areas`.',
      }),
    ),
    areas: Type.Optional(
      Type.Array(Type.Object({ area_id: seatId, quantity }, { additionalProperties: false }), {
        minItems: 1,
        maxItems: 50,
        description: 'Places without a number.',
      }),
    ),
    best_available: Type.Optional(
      Type.Object(
        {
          quantity,
          together: Type.Optional(
            Type.Boolean({ default: true, description: 'Side by side in one row; `false` may split the party.' }),
          ),
          section: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'Only in this section.' })),
          price_level: Type.Optional(
            Type.String({ minLength: 1, maxLength: 200, description: 'Only at this price level.' }),
          ),
          max_amount: Type.Optional(
            Type.Integer({ minimum: 0, description: 'Most that one seat may cost, in minor units.' }),
          ),
          accessible: Type.Optional(Type.Boolean({ description: 'With at least one wheelchair place.' })),
        },
        { additionalProperties: false, description: 'A wish instead of names; stands alone.' },
      ),
    ),
    replaces: Type.Optional(
      Type.String({ maxLength: 64, description: 'The live hold that this one takes the place of.' }),
    ),
  },
  { additionalProperties: false },
)
export type HoldBody = Type.Static<typeof holdBody>

const amount = Type.Integer({ minimum: 0, description: 'Minor units of `currency`.' })
// One shape with optional members, not a union: a serialiser has to try the forms of a union on every item.
const item = Type.Object(
  {
    seat_id: Type.Optional(Type.String()),
    section: Type.Optional(Type.String()),
    row: Type.Optional(Type.String()),
    number: Type.Optional(Type.String()),
    area_id: Type.Optional(Type.String()),
    price_level: Type.String(),
    amount,
    quantity: Type.Optional(Type.Integer()),
  },
  {
    description:
      'A seat has seat_id, section, row and number; a place in an area has area_id and quantity, and the amount of one.',
  },
)

export const reservation = Type.Object({
  reservation_id: Type.String(),
  event_id: Type.String(),
  state: Type.String({ enum: ['pending_payment', 'confirmed', 'expired', 'cancelled'] }),
  items: Type.Array(item),
  amount,
  currency: Type.String(),
  created_at: Type.String({ format: 'date-time' }),
  expires_at: Type.String({ format: 'date-time' }),
  server_time: Type.String({ format: 'date-time' }),
  extensions_left: Type.Integer({ minimum: 0 }),
  payment: Type.Optional(
    Type.Object(
      {
        payment_id: Type.String(),
        status: Type.String({
          enum: [
            'queued',
            'open',
            'processing',
            'authorized',
            'capturing',
            'captured',
            'cancelled',
            'refund_pending',
            'partly_refunded',
            'refunded',
            'quarantined',
          ],
        }),
        settling: Type.Boolean({
          description: 'The last word of the payment provider is awaited; look again, or stream.',
        }),
      },
      { description: 'Once checkout has begun.' },
    ),
  ),
  tickets: Type.Optional(
    Type.Array(
      Type.Object({
        ticket_id: Type.String(),
        section: Type.Union([Type.String(), Type.Null()]),
        row: Type.Union([Type.String(), Type.Null()]),
        number: Type.Union([Type.String(), Type.Null()]),
        area_id: Type.Union([Type.String(), Type.Null()]),
        status: Type.String(),
      }),
      { description: 'Once confirmed.' },
    ),
  ),
  access_url: Type.Optional(
    Type.String({ description: 'Leads back to this reservation and its tickets without a token. Once confirmed.' }),
  ),
})
export type Reservation = Type.Static<typeof reservation>

export const reservationList = Type.Object({
  items: Type.Array(reservation),
  next_cursor: Type.Union([Type.String(), Type.Null()]),
})

/** `POST /v1/reservations/{id}/checkout`. */
export const checkoutBody = Type.Object(
  {
    email: Type.String({
      format: 'email',
      maxLength: 254,
      description: 'Where the tickets are sent.',
      examples: ['ada@example.org'],
    }),
    name: Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'Stands on the tickets.',
      examples: ['Ada Lovelace'],
    }),
    return_url: Type.Optional(
      Type.String({
        format: 'uri',
        maxLength: 2000,
        description:
          'Where a bank that asks the buyer on a page of its own sends them back to; absent: the page of the reservation.',
      }),
    ),
  },
  { additionalProperties: false },
)

const orNull = (schema: Type.TSchema) => Type.Union([schema, Type.Null()])

export const checkoutAnswer = Type.Object({
  payment_id: orNull(Type.String({ description: 'Null where nothing is to be paid.' })),
  provider: Type.Optional(Type.String()),
  provider_ref: Type.Optional(Type.String({ description: 'The intent at the provider.' })),
  client_secret: Type.Optional(
    orNull(Type.String({ description: "For the provider's own page elements; keep it to the buyer." })),
  ),
  publishable_key: Type.Optional(Type.String()),
  return_url: Type.Optional(
    Type.String({ format: 'uri', description: 'To be given to the provider when the payment is confirmed.' }),
  ),
  amount: Type.Optional(amount),
  currency: Type.Optional(Type.String()),
  status: Type.String({ description: 'As `payment.status` of the reservation, `queued`, or `not_required`.' }),
})

export const checkoutQueued = Type.Object({ payment_id: Type.String(), status: Type.Literal('queued') })

/** `POST /v1/reservations/{id}/refund`. */
export const refundBody = Type.Object(
  {
    reason: Type.String({ minLength: 1, maxLength: 200, examples: ['The buyer is ill.'] }),
    tickets: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 50, uniqueItems: true })),
  },
  { additionalProperties: false },
)

export const refundAnswer = Type.Object({
  refund_id: orNull(Type.String({ description: 'Null where nothing had been paid.' })),
  amount,
  status: Type.String({ description: '`pending`; `not_required` where nothing had been paid.' }),
})

/** `POST /v1/events/{id}/seats:bulk`. */
export const seatsBulkBody = Type.Object(
  {
    select: SeatSelection,
    set: Type.Object(
      {
        price_level: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
        blocked: Type.Optional(
          Type.Object({ reason: Type.String({ minLength: 1, maxLength: 200 }) }, { additionalProperties: false }),
        ),
        available: Type.Optional(Type.Literal(true)),
      },
      { additionalProperties: false, minProperties: 1, maxProperties: 1 },
    ),
  },
  { additionalProperties: false },
)

export const seatsBulkAnswer = Type.Object({
  changed: Type.Integer(),
  refused: Type.Array(Type.Object({ seat_id: Type.String(), status: Type.String() })),
})
