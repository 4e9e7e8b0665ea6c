import { toUuid } from '#kernel/ids.ts'
import type { PaymentRecord } from '#payments'
import type { Tx } from '#platform/postgres/database.ts'

/** Rows of the outbox about a payment; `checkoutMessages` makes messages of them. */
export type PaymentNews =
  | { type: 'PaymentSucceeded'; data: Record<string, never> }
  | { type: 'PaymentFailed'; data: { final: boolean; reason: string } }
  | { type: 'CheckoutQueued' | 'CheckoutReady'; data: { hold_until: number } }
  | { type: 'RefundRequired' | 'PaymentRefunded'; data: { refund_id: string; amount: number; reason: string } }
  | { type: 'TicketsIssued'; data: { tickets: { ticket_id: string; seat_no: number | null; amount: number }[] } }
  | { type: 'TicketsVoided'; data: { tickets: { ticket_id: string; revision: number }[]; reason: string } }

/** One row in the transaction of what it tells. `part` tells apart what one change of the payment brings. */
export async function tellPayment(
  tx: Tx,
  payment: Pick<
    PaymentRecord,
    'eventNo' | 'paymentId' | 'reservationId' | 'userId' | 'amount' | 'currency' | 'revision'
  > & { traceparent?: string | null },
  news: PaymentNews,
  origin: string,
): Promise<void> {
  await tx.query({
    name: 'tell_payment_1',
    text: `insert into holdfast.outbox (occurred_at, event_no, type, subject, revision, origin, user_id, data)
      values (date_trunc('milliseconds', holdfast.clock()), $1, $2, $3, $4, $5, $6, $7)`,
    values: [
      payment.eventNo,
      news.type,
      toUuid(payment.paymentId),
      payment.revision,
      origin,
      toUuid(payment.userId),
      JSON.stringify({
        reservation_id: payment.reservationId,
        amount: payment.amount,
        currency: payment.currency,
        ...(payment.traceparent != null && { traceparent: payment.traceparent }),
        ...news.data,
      }),
    ],
  })
}
