import { assert } from '#kernel/assert.ts'
import { toUuid } from '#kernel/ids.ts'
import type { Tx } from '#platform/postgres/database.ts'
import type { ReservationRecord } from '#reservations'

/** More time for a locked reservation whose checkout is queued; returns its new end. Its seats are reserved and have no end. */
export async function extendQueued(
  tx: Tx,
  { reservation, extensionSeconds }: { reservation: ReservationRecord; extensionSeconds: number },
): Promise<number> {
  const { rows } = await tx.query<{ expires_at: number }>({
    name: 'extend_queued_1',
    text: `update holdfast.reservations
     set expires_at = expires_at + $3 * interval '1 second', revision = revision + 1
     where event_no = $1 and reservation_id = $2 and state = 'pending_payment' and reserved_at is not null
     returning expires_at`,
    values: [reservation.eventNo, toUuid(reservation.reservationId), extensionSeconds],
  })
  assert(rows[0] !== undefined, 'a reservation with an open payment can be given more time')
  return rows[0].expires_at
}
