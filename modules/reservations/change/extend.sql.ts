import { toUuid } from '#kernel/ids.ts'
import type { Tx } from '#platform/postgres/database.ts'
import type { ReservationRecord, SeatChange } from '../ports.ts'
import { seatChanges, timestamp } from './parameters.ts'

/**
 * Moves the end of a locked reservation and of all its seats, or of nothing: null when one of the seats is no longer its own.
 * One statement, so that no half of it can be left when the count is not as it must be.
 */
export async function moveEnd(
  tx: Tx,
  {
    reservation,
    expiresAt,
    now,
    origin,
  }: { reservation: ReservationRecord; expiresAt: number; now: number; origin: string },
): Promise<SeatChange[] | null> {
  const { rows } = await tx.query<{ seat_nos: number[] | null; seat_generations: number[] | null }>({
    name: 'extend_1',
    text: `
      with own as materialized (
        select s.seat_no from holdfast.seats s
        where s.event_no = $1 and s.seat_no = any ($3::int4[]) and s.reservation_id = $2 and s.status = 'held'
        order by s.seat_no
        for update
      ), moved as (
        update holdfast.seats s
        set held_until = $4, generation = s.generation + 1
        from own
        where s.event_no = $1 and s.seat_no = own.seat_no and s.reservation_id = $2 and s.status = 'held'
          and (select count(*) from own) = cardinality($3)
        returning s.seat_no, s.generation
      ), extended as (
        update holdfast.reservations r
        set expires_at = $4, extensions_left = r.extensions_left - 1, revision = r.revision + 1
        where r.event_no = $1 and r.reservation_id = $2 and r.state = 'pending_payment'
          and (select count(*) from moved) = cardinality($3)
        returning r.revision, r.user_id
      )
      insert into holdfast.outbox (occurred_at, event_no, type, subject, revision, origin, user_id, seat_nos, seat_generations,
        held_until)
      select $5, $1, 'ReservationExtended', $2, e.revision, $6, e.user_id, m.seat_nos, m.generations, $4
      from extended e
      cross join (
        select array_agg(seat_no order by seat_no) as seat_nos, array_agg(generation order by seat_no) as generations from moved
      ) m
      returning seat_nos, seat_generations`,
    values: [
      reservation.eventNo,
      toUuid(reservation.reservationId),
      reservation.seats.map(seat => seat.seatNo),
      timestamp(expiresAt),
      timestamp(now),
      origin,
    ],
  })
  const row = rows[0]
  return row === undefined ? null : seatChanges(row)
}
