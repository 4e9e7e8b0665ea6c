import { newId, type ReservationId, type TicketId, type UserId } from '#kernel/ids.ts'
import { insertRefund, lockPaymentOf, movePayment, type RefundRecord, refundsOf } from '#payments'
import type { Tx } from '#platform/postgres/database.ts'
import { lockReservation, type ReservationRecord, returnPlaces } from '#reservations'
import type { CheckoutDeps, TicketDesk } from './ports.ts'
import { tellPayment } from './tell.sql.ts'

export type RefundCommand = {
  eventNo: number
  reservationId: ReservationId
  /** Absent: all that are live. */
  ticketIds?: readonly TicketId[]
  reason: string
  requestedBy: UserId
}

export type RefundAnswer =
  | { ok: true; refund: RefundRecord }
  | { ok: false; code: 'not-found' | 'already-refunded' | 'capture-pending' }
  | { ok: false; code: 'unknown-tickets'; ticketIds: readonly string[] }

/**
 * Decides a refund: tickets void, places returned by the event's policy, money owed, in one transaction. Carrying it out comes after
 * (`carry-out-refunds.ts`). Refunds that are still pending count against the rest, so that two at once cannot give back more than
 * came.
 */
export async function decideRefund(
  tx: Tx,
  deps: Pick<CheckoutDeps, 'clock' | 'random' | 'origin'> & { tickets: Pick<TicketDesk, 'live' | 'void'> },
  command: RefundCommand,
): Promise<RefundAnswer> {
  const { eventNo, reservationId, reason } = command
  const found = await lockReservation(tx, eventNo, reservationId)
  if (found === null) return { ok: false, code: 'not-found' }
  const { reservation, now } = found
  const payment = await lockPaymentOf(tx, { eventNo, reservationId })
  if (payment === null || reservation.state !== 'confirmed') return { ok: false, code: 'capture-pending' }

  const live = await deps.tickets.live(tx, eventNo, reservationId)
  const wanted = command.ticketIds === undefined ? null : new Set<string>(command.ticketIds)
  const unknown = [...(wanted ?? [])].filter(id => !live.some(ticket => ticket.ticketId === id))
  const chosen = live.filter(ticket => wanted === null || wanted.has(ticket.ticketId))
  if (chosen.length === 0) return { ok: false, code: 'already-refunded' }
  if (unknown.length > 0) return { ok: false, code: 'unknown-tickets', ticketIds: unknown }

  const amount = chosen.reduce((sum, ticket) => sum + ticket.amount, 0)
  const earlier = await refundsOf(tx, payment)
  const given = earlier.reduce((sum, refund) => sum + (refund.status === 'failed' ? 0 : refund.amount), 0)
  if (amount > payment.capturedAmount - given) return { ok: false, code: 'already-refunded' }

  const voided = await deps.tickets.void(tx, {
    eventNo,
    reservationId,
    ticketIds: chosen.map(ticket => ticket.ticketId),
    reason,
    at: now,
  })
  await returnPlaces(tx, {
    reservation,
    places: placesOf(chosen, reservation),
    reason: 'refunded',
    now,
    origin: deps.origin,
  })
  const refundId = newId('rfd', deps, eventNo)
  const refund = await insertRefund(tx, {
    eventNo,
    refundId,
    paymentId: payment.paymentId,
    reason: 'requested',
    sequence: earlier.filter(known => known.reason === 'requested').length + 1,
    amount,
    currency: payment.currency,
    requestedBy: command.requestedBy,
    note: reason,
    now,
  })
  if (refund === null) return { ok: false, code: 'already-refunded' }
  const owing = await movePayment(tx, payment, { status: 'refund_pending', nextLookAt: null })
  await tellPayment(
    tx,
    owing,
    { type: 'RefundRequired', data: { refund_id: refundId, amount, reason: 'requested' } },
    deps.origin,
  )
  const tickets = voided.map(ticket => ({ ticket_id: ticket.ticketId, revision: ticket.revision }))
  await tellPayment(tx, owing, { type: 'TicketsVoided', data: { tickets, reason } }, deps.origin)
  return { ok: true, refund }
}

function placesOf(
  tickets: readonly { seatNo: number | null; areaNo: number | null }[],
  reservation: ReservationRecord,
): { seatNos: number[]; areaQuantities: number[] } {
  return {
    seatNos: tickets.flatMap(({ seatNo }) => (seatNo === null ? [] : [seatNo])),
    areaQuantities: reservation.areas.map(({ areaNo }) => tickets.filter(ticket => ticket.areaNo === areaNo).length),
  }
}
