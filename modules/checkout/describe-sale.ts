import type { Reservation } from '#contracts/reservations.ts'
import type { ReservationId } from '#kernel/ids.ts'
import { findPaymentOf, isOpen, type PaymentRecord } from '#payments'
import type { Queryable } from '#platform/postgres/database.ts'
import type { ReservationRecord } from '#reservations'

export type TicketLabel = {
  ticketId: string
  section: string | null
  row: string | null
  number: string | null
  areaId: string | null
  status: string
}

/** What payment and tickets add to the view of a reservation. */
export function createDescribeSale(deps: {
  db: Queryable
  ticketsOf: (eventNo: number, reservationId: ReservationId) => Promise<TicketLabel[]>
  accessUrlOf: (reservationId: ReservationId) => string
}): (record: ReservationRecord) => Promise<Pick<Reservation, 'payment' | 'tickets' | 'access_url'>> {
  return async record => {
    // A cart has neither, and is what is looked at most.
    if (record.state === 'pending_payment' && record.reservedAt === null) return {}
    const { eventNo, reservationId, state } = record
    const payment = await findPaymentOf(deps.db, eventNo, reservationId)
    // A payment of 0 is only a note of whom to write to.
    const seen = payment !== null &&
      payment.amount > 0 && {
        payment: {
          payment_id: payment.paymentId,
          status: statusOf(payment),
          settling: isOpen(payment.status) && (payment.status !== 'open' || record.state !== 'pending_payment'),
        },
      }
    if (state !== 'confirmed') return { ...seen }
    const tickets = await deps.ticketsOf(eventNo, reservationId)
    return {
      ...seen,
      tickets: tickets.map(({ ticketId, section, row, number, areaId, status }) => {
        return { ticket_id: ticketId, section, row, number, area_id: areaId, status }
      }),
      access_url: deps.accessUrlOf(reservationId),
    }
  }
}

/** `queued` is not a step of the money: the intent does not exist yet. */
export function statusOf(payment: PaymentRecord): string {
  return payment.status === 'open' && payment.queuedAt !== null ? 'queued' : payment.status
}
