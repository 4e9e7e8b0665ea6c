import { toUuid } from '#kernel/ids.ts'
import type { Tx } from '#platform/postgres/database.ts'
import { timestamp } from '../change/parameters.ts'
import type { ReservationRecord } from '../ports.ts'

/** Gives back what a late payment had taken and then could not pay: the reservation stays expired. */
export async function releaseReclaimed(
  tx: Tx,
  { reservation, now, origin }: { reservation: ReservationRecord; now: number; origin: string },
): Promise<void> {
  await tx.query({
    name: 'release_reclaimed_1',
    text: `
      with own as materialized (
        select s.seat_no from holdfast.seats s
        where s.event_no = $1 and s.seat_no = any ($3::int4[]) and s.reservation_id = $2 and s.status = 'reserved'
        order by s.seat_no
        for update
      ), ended as (
        update holdfast.reservations r
        set reserved_at = null, revision = r.revision + 1
        where r.event_no = $1 and r.reservation_id = $2 and r.state = 'expired' and r.reserved_at is not null
        returning r.revision, r.user_id
      ), freed as (
        update holdfast.seats s
        set status = 'available', reservation_id = null, generation = s.generation + 1
        from own, ended
        where s.event_no = $1 and s.seat_no = own.seat_no and s.reservation_id = $2 and s.status = 'reserved'
        returning s.seat_no, s.generation
      ), room as materialized (
        select a.area_no, w.quantity from unnest($6::int4[], $7::int4[]) w(area_no, quantity)
        join holdfast.areas a on a.event_no = $1 and a.area_no = w.area_no
        where (select count(*) from freed) >= 0
        order by a.area_no
        for update of a
      ), returned as (
        update holdfast.areas a
        set available = a.available + room.quantity, generation = a.generation + 1
        from ended, room
        where a.event_no = $1 and a.area_no = room.area_no
      )
      insert into holdfast.outbox (occurred_at, event_no, type, subject, revision, origin, user_id, seat_nos, seat_generations)
      select $4, $1, 'ReservationExpired', $2, e.revision, $5, e.user_id, m.seat_nos, m.generations
      from ended e
      cross join (
        select array_agg(seat_no order by seat_no) as seat_nos, array_agg(generation order by seat_no) as generations from freed
      ) m`,
    values: [
      reservation.eventNo,
      toUuid(reservation.reservationId),
      reservation.seats.map(seat => seat.seatNo),
      timestamp(now),
      origin,
      reservation.areas.map(area => area.areaNo),
      reservation.areas.map(area => area.quantity),
    ],
  })
}
