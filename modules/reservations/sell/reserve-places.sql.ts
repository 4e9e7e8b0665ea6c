import { toUuid } from '#kernel/ids.ts'
import type { Tx } from '#platform/postgres/database.ts'
import { seatChanges, timestamp } from '../change/parameters.ts'
import type { ReservationRecord, SeatChange } from '../ports.ts'

/**
 * `held -> reserved` for all seats of a locked reservation whose payment is opened, or nothing: null when one of them is no longer
 * its own or no longer in time. From here on it does not run out by itself. Places in areas stay counted as they are.
 *
 * @param extendTo a new end, where the payment provider is away and the buyer gets more time
 */
export async function reservePlaces(
  tx: Tx,
  options: { reservation: ReservationRecord; now: number; origin: string; extendTo?: number },
): Promise<SeatChange[] | null> {
  const { reservation, now, origin, extendTo = reservation.expiresAt } = options
  const { rows } = await tx.query<{ seat_nos: number[] | null; seat_generations: number[] | null }>({
    name: 'reserve_places_1',
    text: `
      with own as materialized (
        select s.seat_no from holdfast.seats s
        where s.event_no = $1 and s.seat_no = any ($3::int4[]) and s.reservation_id = $2 and s.status = 'held'
          and s.held_until > $4
        order by s.seat_no
        for update
      ), moved as (
        update holdfast.seats s
        set status = 'reserved', held_until = null, generation = s.generation + 1
        from own
        where s.event_no = $1 and s.seat_no = own.seat_no and s.reservation_id = $2 and s.status = 'held'
          and (select count(*) from own) = cardinality($3)
        returning s.seat_no, s.generation
      ), opened as (
        update holdfast.reservations r
        set reserved_at = $4, expires_at = $6, revision = r.revision + 1
        where r.event_no = $1 and r.reservation_id = $2 and r.state = 'pending_payment' and r.reserved_at is null
          and (select count(*) from moved) = cardinality($3)
        returning r.revision, r.user_id
      )
      insert into holdfast.outbox (occurred_at, event_no, type, subject, revision, origin, user_id, seat_nos, seat_generations)
      select $4, $1, 'SeatsReserved', $2, o.revision, $5, o.user_id, m.seat_nos, m.generations
      from opened o
      cross join (
        select array_agg(seat_no order by seat_no) as seat_nos, array_agg(generation order by seat_no) as generations from moved
      ) m
      returning seat_nos, seat_generations`,
    values: [
      reservation.eventNo,
      toUuid(reservation.reservationId),
      reservation.seats.map(seat => seat.seatNo),
      timestamp(now),
      origin,
      timestamp(extendTo),
    ],
  })
  const row = rows[0]
  return row === undefined ? null : seatChanges(row)
}
