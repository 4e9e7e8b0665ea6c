import { assert } from '#kernel/assert.ts'
import { toUuid } from '#kernel/ids.ts'
import type { PaymentRecord } from '#payments'
import type { Queryable } from '#platform/postgres/database.ts'

/** When the hold behind a payment ends or ended, by the database's clock, and whether it still has its places. */
export async function findEnd(
  db: Queryable,
  { eventNo, reservationId }: PaymentRecord,
): Promise<{ expiresAt: number; now: number; hasPlaces: boolean }> {
  const { rows } = await db.query<{ expires_at: number; now: number; has_places: boolean }>({
    name: 'find_end_1',
    text: `select r.expires_at, (extract(epoch from holdfast.clock()) * 1000)::int8 as now,
        r.state = 'pending_payment' and r.reserved_at is not null as has_places
      from holdfast.reservations r where r.event_no = $1 and r.reservation_id = $2`,
    values: [eventNo, toUuid(reservationId)],
  })
  assert(rows[0] !== undefined, 'a payment has a reservation')
  return { expiresAt: rows[0].expires_at, now: rows[0].now, hasPlaces: rows[0].has_places }
}
