import Type, { type Static, type TProperties } from 'typebox'

/**
 * What Holdfast tells through its log: CloudEvents 1.0 in JSON. Delivered at least once, and for each subject in the order of
 * its revisions; `id` is the same every time. Members may be added; whoever reads ignores what they do not know.
 */

const time = Type.String({ format: 'date-time' })
const eventId = Type.String({ description: 'The event, `evt_…`.' })
const reservationId = Type.String({ description: 'The reservation, `rsv_…`.' })
const paymentId = Type.String({ description: 'The payment, `pay_…`.' })
const ticketId = Type.String({ description: 'The ticket, `tkt_…`.' })
const currency = Type.String({ description: 'ISO 4217.' })
const userId = Type.String({ description: 'Whose reservation it is, `usr_…`.' })
const amount = Type.Integer({ minimum: 0, description: 'Minor units of the currency.' })
const quantity = Type.Integer({ minimum: 1, description: 'Places, seats and general admission together.' })
const seat = {
  seat_id: Type.String(),
  seat_no: Type.Integer({ minimum: 0, description: 'Index of the seat in the seat map of its event.' }),
  generation: Type.Integer({ description: 'Counts the changes of the seat: of two, the higher is the newer.' }),
}

/** Common members of every message; `revision` is an extension attribute, `partitionkey` one of the documented ones. */
function message<const Name extends string, Data extends TProperties>(
  name: Name,
  description: string,
  data: Data,
  subject = reservationId,
) {
  return Type.Object(
    {
      specversion: Type.Literal('1.0'),
      id: Type.String({ description: 'The same each time this message is delivered, and of no other.' }),
      source: Type.String({ format: 'uri-reference', description: 'The event, as a path of the API.' }),
      type: Type.Literal(name),
      subject,
      time,
      datacontenttype: Type.Literal('application/json'),
      partitionkey: eventId,
      revision: Type.Integer({ minimum: 1, description: 'Counts the changes of the subject.' }),
      traceparent: Type.Optional(
        Type.String({ description: 'W3C trace context of the request that began it, where there was one.' }),
      ),
      data: Type.Object(data),
    },
    { description },
  )
}

export const ReservationCreated = message('ReservationCreated', 'A buyer holds places, for a time.', {
  event_id: eventId,
  reservation_id: reservationId,
  user_id: userId,
  items: Type.Array(
    Type.Union([
      Type.Object({ seat_id: seat.seat_id, seat_no: seat.seat_no, price_level: Type.String(), amount }),
      Type.Object({
        area_id: Type.String(),
        quantity: Type.Integer({ minimum: 1 }),
        price_level: Type.String(),
        amount: Type.Integer({ minimum: 0, description: 'Of one place.' }),
      }),
    ]),
  ),
  quantity,
  amount,
  currency,
  expires_at: Type.String({ format: 'date-time', description: 'The end of the hold, as first given.' }),
  replaces: Type.Union([Type.String(), Type.Null()], {
    description: 'The reservation of the same buyer that this one took the place of.',
  }),
})
export type ReservationCreated = Static<typeof ReservationCreated>

export const SeatHeld = message('SeatHeld', 'A seat is held. One for each seat of a reservation.', {
  event_id: eventId,
  reservation_id: reservationId,
  ...seat,
  held_until: time,
})
export type SeatHeld = Static<typeof SeatHeld>

export const ReservationExtended = message('ReservationExtended', 'A hold has been given more time.', {
  event_id: eventId,
  reservation_id: reservationId,
  user_id: userId,
  expires_at: time,
})
export type ReservationExtended = Static<typeof ReservationExtended>

const ended = {
  event_id: eventId,
  reservation_id: reservationId,
  user_id: userId,
  quantity,
  released: Type.Array(Type.Object(seat), {
    description:
      'Seats that became free by this. One that somebody else had claimed before, after the end of the hold, is not among them.',
  }),
}

export const ReservationCancelled = message(
  'ReservationCancelled',
  'A reservation was given up by its buyer, or replaced by another.',
  ended,
)
export type ReservationCancelled = Static<typeof ReservationCancelled>

export const ReservationExpired = message('ReservationExpired', 'A hold ran out and was swept up.', ended)
export type ReservationExpired = Static<typeof ReservationExpired>

export const SeatsSold = message('SeatsSold', 'A reservation is confirmed: its places are sold.', {
  event_id: eventId,
  reservation_id: reservationId,
  user_id: userId,
  seats: Type.Array(Type.Object(seat)),
  quantity,
  amount,
  currency,
  late: Type.Boolean({ description: 'The money came after the hold had ended, and the places were still to be had.' }),
})
export type SeatsSold = Static<typeof SeatsSold>

const whose = { event_id: eventId, reservation_id: reservationId, user_id: userId }

export const TicketIssued = message(
  'TicketIssued',
  'A ticket exists. One for each place of a sale.',
  { ...whose, ticket_id: ticketId, seat_no: Type.Union([Type.Integer(), Type.Null()]), amount, currency },
  ticketId,
)
export type TicketIssued = Static<typeof TicketIssued>

export const TicketVoided = message(
  'TicketVoided',
  'A ticket is void and opens no door any more.',
  { ...whose, ticket_id: ticketId, reason: Type.String() },
  ticketId,
)
export type TicketVoided = Static<typeof TicketVoided>

const payment = { ...whose, payment_id: paymentId, amount, currency }

export const PaymentSucceeded = message(
  'PaymentSucceeded',
  'The money of a reservation is captured.',
  payment,
  paymentId,
)
export type PaymentSucceeded = Static<typeof PaymentSucceeded>

export const PaymentFailed = message(
  'PaymentFailed',
  'A card was declined, which leaves the payment open, or nothing will come of the payment (`final`).',
  {
    ...payment,
    final: Type.Boolean(),
    reason: Type.String({
      description:
        '`declined`; of the final ones `cancelled`, `hold-ended`, `queue-ended`, `capture-refused`, `late`, `event-cancelled`.',
    }),
  },
  paymentId,
)
export type PaymentFailed = Static<typeof PaymentFailed>

export const CheckoutQueued = message(
  'CheckoutQueued',
  'The payment provider is away; the buyer keeps the places until `hold_until` and can pay once it is back.',
  { ...payment, hold_until: time },
  paymentId,
)
export type CheckoutQueued = Static<typeof CheckoutQueued>

export const CheckoutReady = message(
  'CheckoutReady',
  'A queued checkout can be paid now.',
  { ...payment, hold_until: time },
  paymentId,
)
export type CheckoutReady = Static<typeof CheckoutReady>

const refund = {
  ...payment,
  refund_id: Type.String({ description: 'The refund, `rfd_…`.' }),
  reason: Type.String({ description: '`requested`, `late-payment` or `mismatch`.' }),
}

export const RefundRequired = message('RefundRequired', 'Money is going back.', refund, paymentId)
export type RefundRequired = Static<typeof RefundRequired>

export const PaymentRefunded = message('PaymentRefunded', 'The provider has given money back.', refund, paymentId)
export type PaymentRefunded = Static<typeof PaymentRefunded>

/** Every message there is, by its type. */
export const messages = {
  ReservationCreated,
  SeatHeld,
  ReservationExtended,
  ReservationCancelled,
  ReservationExpired,
  SeatsSold,
  TicketIssued,
  TicketVoided,
  PaymentSucceeded,
  PaymentFailed,
  CheckoutQueued,
  CheckoutReady,
  RefundRequired,
  PaymentRefunded,
}
export type MessageType = keyof typeof messages
export type MessageOf<Name extends MessageType> = Static<(typeof messages)[Name]>
