import { assert } from '#kernel/assert.ts'
import { toUuid } from '#kernel/ids.ts'
import type { Tx } from '#platform/postgres/database.ts'
import type { ReservationRecord, SeatChange } from '../ports.ts'
import { seatChanges, timestamp } from './parameters.ts'

/** Ends one locked, live reservation; returns the seats that were still its own and are free now. */
export async function endReservation(
  tx: Tx,
  {
    reservation,
    state,
    now,
    origin,
  }: {
    reservation: ReservationRecord
    state: 'cancelled' | 'expired'
    now: number
    origin: string
  },
): Promise<{ revision: number; moved: SeatChange[] }> {
  const { rows } = await tx.query<{ revision: number; seat_nos: number[] | null; seat_generations: number[] | null }>({
    name: 'end_reservation_1',
    text: `select revision, seat_nos, seat_generations
      from holdfast.end_reservations(array[$1::int4], array[$2::uuid], $3::holdfast.reservation_state, $4::timestamptz, $5::uuid)`,
    values: [reservation.eventNo, toUuid(reservation.reservationId), state, timestamp(now), origin],
  })
  const row = rows[0]
  assert(row !== undefined, 'a reservation found live under its lock can be ended')
  return { revision: row.revision, moved: seatChanges(row) }
}
