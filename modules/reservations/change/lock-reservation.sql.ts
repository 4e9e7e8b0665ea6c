import { type ReservationId, toUuid } from '#kernel/ids.ts'
import type { Tx } from '#platform/postgres/database.ts'
import type { ReservationRecord } from '../ports.ts'
import { nowMs, type ReservationRow, reservationColumns, toRecord } from '../reservation-row.ts'

/**
 * A reservation under its row lock, and the time once the lock was had.
 *
 * The inner select locks, the outer one reads the clock: in one select the clock would be read before the wait, and a hold that
 * ran out while its owner waited behind the sweeper could still be extended.
 */
export async function lockReservation(
  tx: Tx,
  eventNo: number,
  reservationId: ReservationId,
): Promise<{ reservation: ReservationRecord; now: number } | null> {
  const { rows } = await tx.query<ReservationRow & { now: number }>({
    name: 'lock_reservation_1',
    text: `select locked.*, ${nowMs} as now
      from (
        select ${reservationColumns}
        from holdfast.reservations r where r.event_no = $1 and r.reservation_id = $2
        for update
      ) locked`,
    values: [eventNo, toUuid(reservationId)],
  })
  const row = rows[0]
  return row === undefined ? null : { reservation: toRecord(row), now: row.now }
}
