import { fromUuid, type ReservationId, toUuid, type UserId } from '#kernel/ids.ts'
import type { Tx } from '#platform/postgres/database.ts'

/** Whose reservation this is, locked; null if there is none. */
export async function findOwner(
  tx: Tx,
  eventNo: number,
  reservationId: ReservationId,
): Promise<{ userId: UserId; hasPayment: boolean } | null> {
  const { rows } = await tx.query<{ user_id: string; has_payment: boolean }>(
    `select r.user_id, exists (select from holdfast.payments p
         where p.event_no = r.event_no and p.reservation_id = r.reservation_id) as has_payment
     from holdfast.reservations r where r.event_no = $1 and r.reservation_id = $2 for update`,
    [eventNo, toUuid(reservationId)],
  )
  return rows[0] === undefined ? null : { userId: fromUuid('usr', rows[0].user_id), hasPayment: rows[0].has_payment }
}

/** A reservation of which nothing is known but that money came for it: cancelled, without places. A payment needs one to be looked up by. */
export async function insertLostReservation(
  tx: Tx,
  lost: {
    eventNo: number
    reservationId: ReservationId
    userId: UserId
    amount: number
    currency: string
    createdAt: number
    keyHash: string
  },
): Promise<void> {
  await tx.query(
    `insert into holdfast.reservations (event_no, reservation_id, user_id, state, quantity, extensions_left, initial_extensions_left,
       created_at, expires_at, initial_expires_at, ended_at, key_hash, request_hash, amount, currency)
     select $1, $2, $3, 'cancelled', 1, 0, 0, t.at, t.at + interval '1 second', t.at + interval '1 second', holdfast.clock(), $4, $4, $5, $6
     from (select $7::timestamptz as at) t`,
    [
      lost.eventNo,
      toUuid(lost.reservationId),
      toUuid(lost.userId),
      lost.keyHash,
      lost.amount,
      lost.currency,
      new Date(lost.createdAt).toISOString(),
    ],
  )
}
