import { type PaymentId, type ReservationId, toUuid, type UserId } from '#kernel/ids.ts'
import type { Tx } from '#platform/postgres/database.ts'

/**
 * Writes down money that the provider took for a sale which a restore has forgotten, owed back in full. Nobody knows any more whose it
 * was. Answers false if the payment is known by now.
 */
export async function insertLostPayment(
  tx: Tx,
  payment: {
    eventNo: number
    paymentId: PaymentId
    reservationId: ReservationId
    userId: UserId
    provider: string
    providerRef: string
    amount: number
    currency: string
    createdAt: number
  },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `with made as (
       insert into holdfast.payments (event_no, payment_id, reservation_id, user_id, provider, provider_ref, amount, currency, name,
         status, captured_amount, late, create_sent_at, created_at)
       values ($1, $2, $3, $4, $5, $6, $7::int8, $8, 'unknown', 'refund_pending', $7::int8, true, $9, $9)
       on conflict do nothing
       returning event_no, payment_id
     )
     insert into holdfast.payment_refs (provider, provider_ref, event_no, payment_id)
     select $5, $6, m.event_no, m.payment_id from made m`,
    [
      payment.eventNo,
      toUuid(payment.paymentId),
      toUuid(payment.reservationId),
      toUuid(payment.userId),
      payment.provider,
      payment.providerRef,
      payment.amount,
      payment.currency,
      new Date(payment.createdAt).toISOString(),
    ],
  )
  return rowCount === 1
}
