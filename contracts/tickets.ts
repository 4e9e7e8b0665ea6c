import Type, { type Static } from 'typebox'

const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** `GET /v1/tickets/{id}`. */
export const Ticket = Type.Object({
  ticket_id: Type.String(),
  event_id: Type.String(),
  reservation_id: Type.String(),
  section: orNull(Type.String()),
  row: orNull(Type.String()),
  number: orNull(Type.String()),
  area_id: orNull(Type.String()),
  price_level: Type.Optional(Type.String()),
  amount: Type.Integer({ minimum: 0, description: 'What it was sold for, in minor units of `currency`.' }),
  currency: Type.String(),
  holder_name: Type.String(),
  status: Type.String({ enum: ['valid', 'used', 'void', 'transferred'] }),
  issued_at: Type.String({ format: 'date-time' }),
  qr_payload: Type.String({
    description:
      'Base45 (RFC 9285) of 28 bytes that name the ticket and an Ed25519 signature over them; 138 characters of the QR alphabet. An area ticket has the top bit of its place set.',
  }),
})
export type Ticket = Static<typeof Ticket>

export const TicketList = Type.Object({ items: Type.Array(Ticket), next_cursor: orNull(Type.String()) })

/** `GET /v1/events/{id}/door-keys`: what a scanner needs to know a ticket without a network. */
export const DoorKeys = Type.Object({
  keys: Type.Array(
    Type.Object({
      kid: Type.String({ description: 'First 16 hex digits of SHA-256 of the public key.' }),
      key: Type.Integer({ minimum: 0, maximum: 255, description: 'The number that stands in a ticket.' }),
      alg: Type.Literal('Ed25519'),
      public_key: Type.String({ description: 'The 32 bytes of the key, base64url.' }),
    }),
  ),
})
export type DoorKeys = Static<typeof DoorKeys>
