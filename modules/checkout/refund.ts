import { assert } from '#kernel/assert.ts'
import { newId, type ReservationId, type TicketId, type UserId } from '#kernel/ids.ts'
import { insertRefund, lockPaymentOf, movePayment, type PaymentRecord, type RefundRecord, refundsOf } from '#payments'
import type { Tx } from '#platform/postgres/database.ts'
import { lockReservation, type ReservationRecord, returnPlaces } from '#reservations'
import type { CheckoutDeps, TicketDesk } from './ports.ts'
import { tellPayment } from './tell.sql.ts'

export type RefundCommand = {
  eventNo: number
  reservationId: ReservationId
  /** Absent: everything that is left, the tickets that are live and money that is owed without any. */
  ticketIds?: readonly TicketId[]
  reason: string
  requestedBy: UserId
}

export type RefundAnswer =
  /** `refund` is null where nothing had been paid for the tickets. */
  | { ok: true; refund: RefundRecord | null }
  | { ok: false; code: 'not-found' | 'already-refunded' | 'capture-pending' }
  | { ok: false; code: 'unknown-tickets'; ticketIds: readonly string[] }

/**
 * Decides a refund: tickets void, places returned by the event's policy, money owed, in one transaction. Carrying it out comes after
 * (`carry-out-refunds.ts`). Refunds that are still pending count against the rest, so that two at once cannot give back more than
 * came.
 *
 * Without tickets named, all that is left goes back. That is also the way out where money is owed and no ticket stands for it: a refund
 * that the bank refused, a late payment whose refund failed, a payment in quarantine.
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
  if (payment === null || !hasMoney(payment, reservation)) return { ok: false, code: 'capture-pending' }

  const live = await deps.tickets.live(tx, eventNo, reservationId)
  const wanted = command.ticketIds === undefined ? null : new Set<string>(command.ticketIds)
  const unknown = [...(wanted ?? [])].filter(id => !live.some(ticket => ticket.ticketId === id))
  const chosen = live.filter(ticket => wanted === null || wanted.has(ticket.ticketId))
  const earlier = await refundsOf(tx, payment)
  const given = earlier.reduce((sum, refund) => sum + (refund.status === 'failed' ? 0 : refund.amount), 0)
  const left = payment.capturedAmount - given
  if (chosen.length === 0 && (wanted !== null || left === 0)) return { ok: false, code: 'already-refunded' }
  if (unknown.length > 0) return { ok: false, code: 'unknown-tickets', ticketIds: unknown }
  const amount = wanted === null ? left : chosen.reduce((sum, ticket) => sum + ticket.amount, 0)
  if (amount > left) return { ok: false, code: 'already-refunded' }

  let tickets: { ticket_id: string; revision: number }[] = []
  if (chosen.length > 0) {
    const ticketIds = chosen.map(ticket => ticket.ticketId)
    const voided = await deps.tickets.void(tx, { eventNo, reservationId, ticketIds, reason, at: now })
    tickets = voided.map(ticket => ({ ticket_id: ticket.ticketId, revision: ticket.revision }))
    const places = placesOf(chosen, reservation)
    await returnPlaces(tx, { reservation, places, reason: 'refunded', now, origin: deps.origin })
  }
  const refund = amount === 0 ? null : await owe(tx, deps, { payment, earlier, amount, command, now })
  const status = amount === 0 || payment.status === 'quarantined' ? payment.status : 'refund_pending'
  const owing = await movePayment(tx, payment, { status, nextLookAt: null })
  if (refund !== null) {
    const news = { refund_id: refund.refundId, amount, reason: refund.reason }
    await tellPayment(tx, owing, { type: 'RefundRequired', data: news }, deps.origin)
  }
  if (tickets.length > 0)
    await tellPayment(tx, owing, { type: 'TicketsVoided', data: { tickets, reason } }, deps.origin)
  return { ok: true, refund }
}

/** Whether the provider has given its last word and money of the buyer is, or was, here. */
function hasMoney(payment: PaymentRecord, reservation: ReservationRecord): boolean {
  return payment.capturedAmount > 0 || (payment.status === 'captured' && reservation.state === 'confirmed')
}

async function owe(
  tx: Tx,
  source: Pick<CheckoutDeps, 'clock' | 'random'>,
  options: {
    payment: PaymentRecord
    earlier: readonly RefundRecord[]
    amount: number
    command: RefundCommand
    now: number
  },
): Promise<RefundRecord> {
  const { payment, earlier, amount, command, now } = options
  const reason = payment.status === 'quarantined' ? 'mismatch' : 'requested'
  const refund = await insertRefund(tx, {
    eventNo: payment.eventNo,
    refundId: newId('rfd', source, payment.eventNo),
    paymentId: payment.paymentId,
    reason,
    sequence: earlier.filter(known => known.reason === reason).length + 1,
    amount,
    currency: payment.currency,
    requestedBy: command.requestedBy,
    note: command.reason,
    now,
  })
  assert(refund !== null, 'the next refund of a locked payment has not been decided before')
  return refund
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
