import { assert } from '#kernel/assert.ts'
import { toUuid } from '#kernel/ids.ts'
import type { Tx } from '#platform/postgres/database.ts'
import { seatChanges, timestamp } from '../change/parameters.ts'
import type { ReservationRecord, SeatChange } from '../ports.ts'

/**
 * The sale of a locked reservation: its seats `reserved -> sold`, itself `pending_payment -> confirmed`, or `expired -> confirmed`
 * where a late payment has taken the places back. The money has been captured before, or there is none to pay (`held -> sold`).
 *
 * @returns null if something that is `held` has run out or is no longer its own; nothing is written then
 * @throws an assertion that undoes the transaction if that happens to what is `reserved`: whoever locks a reservation and finds it
 *   being paid has its seats, because nothing else ends it
 */
export async function sellPlaces(
  tx: Tx,
  options: {
    reservation: ReservationRecord
    from: 'reserved' | 'held'
    late: boolean
    now: number
    origin: string
    /** W3C trace context of the request that sells. */
    traceparent: string | null
  },
): Promise<{ sold: SeatChange[]; revision: number } | null> {
  const { reservation, from, late, now, origin, traceparent } = options
  const { rows } = await tx.query<{
    revision: number
    seat_nos: number[] | null
    seat_generations: number[] | null
  }>({
    name: 'sell_places_2',
    text: `
      with own as materialized (
        select s.seat_no from holdfast.seats s
        where s.event_no = $1 and s.seat_no = any ($3::int4[]) and s.reservation_id = $2
          and s.status = $6::holdfast.seat_status and (s.held_until is null or s.held_until > $4)
        order by s.seat_no
        for update
      ), moved as (
        update holdfast.seats s
        set status = 'sold', held_until = null, generation = s.generation + 1
        from own
        where s.event_no = $1 and s.seat_no = own.seat_no and s.reservation_id = $2 and s.status = $6::holdfast.seat_status
          and (select count(*) from own) = cardinality($3)
        returning s.seat_no, s.generation
      ), confirmed as (
        update holdfast.reservations r
        set state = 'confirmed', ended_at = $4, reserved_at = null, live_tickets = r.quantity, revision = r.revision + 1
        where r.event_no = $1 and r.reservation_id = $2
          and r.state = (case when $7 then 'expired' else 'pending_payment' end)::holdfast.reservation_state
          and (r.reserved_at is not null) = ($6 = 'reserved')
          and (select count(*) from moved) = cardinality($3)
        returning r.revision, r.user_id
      )
      insert into holdfast.outbox (occurred_at, event_no, type, subject, revision, origin, user_id, seat_nos, seat_generations, data)
      select $4, $1, 'SeatsSold', $2, c.revision, $5, c.user_id, m.seat_nos, m.generations,
        jsonb_strip_nulls(jsonb_build_object('late', $7::bool, 'traceparent', $8::text))
      from confirmed c
      cross join (
        select array_agg(seat_no order by seat_no) as seat_nos, array_agg(generation order by seat_no) as generations from moved
      ) m
      returning revision, seat_nos, seat_generations`,
    values: [
      reservation.eventNo,
      toUuid(reservation.reservationId),
      reservation.seats.map(seat => seat.seatNo),
      timestamp(now),
      origin,
      from,
      late,
      traceparent,
    ],
  })
  const row = rows[0]
  if (row === undefined && from === 'held') return null
  assert(row !== undefined, 'a reservation found being paid under its lock has all of its seats')
  return { sold: seatChanges(row), revision: row.revision }
}
