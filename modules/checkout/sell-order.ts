import { movePayment, type PaymentRecord } from '#payments'
import type { Tx } from '#platform/postgres/database.ts'
import { type ReservationRecord, sellPlaces } from '#reservations'
import type { CheckoutDeps } from './ports.ts'
import { tellPayment } from './tell.sql.ts'

type Deps = Pick<CheckoutDeps, 'tickets' | 'placesOf' | 'origin'>
type Order = { payment: PaymentRecord; reservation: ReservationRecord; now: number }

/** The sale: seats sold, reservation confirmed, tickets, payment captured, and the news of it, or none of these. */
export async function sellOrder(tx: Tx, deps: Deps, { payment, reservation, now }: Order): Promise<PaymentRecord> {
  const late = reservation.state === 'expired'
  await sellPlaces(tx, {
    reservation,
    from: 'reserved',
    late,
    now,
    origin: deps.origin,
    traceparent: payment.traceparent,
  })
  const captured = await movePayment(tx, payment, {
    status: 'captured',
    capturedAmount: payment.amount,
    late,
    nextLookAt: null,
  })
  await issueTickets(tx, deps, { payment: captured, reservation, now })
  await tellPayment(tx, captured, { type: 'PaymentSucceeded', data: {} }, deps.origin)
  return captured
}

/** The tickets of a sale, in its transaction, and the news of them. */
export async function issueTickets(tx: Tx, deps: Deps, { payment, reservation, now }: Order): Promise<void> {
  const places = await deps.placesOf(reservation)
  const issued = await deps.tickets.issue(tx, {
    eventNo: reservation.eventNo,
    reservationId: reservation.reservationId,
    userId: reservation.userId,
    holderName: payment.name,
    currency: reservation.currency,
    places,
    issuedAt: now,
  })
  const tickets = issued.map(({ ticketId, seatNo, amount }) => ({ ticket_id: ticketId, seat_no: seatNo, amount }))
  await tellPayment(tx, payment, { type: 'TicketsIssued', data: { tickets } }, deps.origin)
}
