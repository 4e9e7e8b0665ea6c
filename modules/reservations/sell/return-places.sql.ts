import { assert } from '#kernel/assert.ts'
import { toUuid } from '#kernel/ids.ts'
import type { Tx } from '#platform/postgres/database.ts'
import { timestamp } from '../change/parameters.ts'
import type { ReservationRecord } from '../ports.ts'

/** What comes back from a confirmed reservation: seats by number, places of its areas in the order of its items. */
export type ReturnedPlaces = { seatNos: readonly number[]; areaQuantities: readonly number[] }

/**
 * Takes sold places back, by the event's policy: `blocked` (with a reason, until staff put them back on sale) or `available`. Their
 * tickets have been voided in the same transaction; the reservation is locked.
 */
export async function returnPlaces(
  tx: Tx,
  options: { reservation: ReservationRecord; places: ReturnedPlaces; reason: string; now: number; origin: string },
): Promise<void> {
  const { reservation, places, reason, now, origin } = options
  const { rows } = await tx.query<{ seats: number; reservations: number }>({
    name: 'return_places_1',
    text: `
      with policy as materialized (
        select case e.returns when 'available' then 'available' else 'blocked' end as name
        from holdfast.events e where e.event_no = $1
      ), own as materialized (
        select s.seat_no from holdfast.seats s
        where s.event_no = $1 and s.seat_no = any ($3::int4[]) and s.reservation_id = $2 and s.status = 'sold'
        order by s.seat_no
        for update
      ), moved as (
        update holdfast.seats s
        set status = policy.name::holdfast.seat_status, reservation_id = null, generation = s.generation + 1
        from own, policy
        where s.event_no = $1 and s.seat_no = own.seat_no and s.reservation_id = $2 and s.status = 'sold'
        returning s.seat_no, s.generation
      ), reasons as (
        insert into holdfast.seat_blocks (event_no, seat_no, reason)
        select $1, moved.seat_no, $8 from moved, policy where policy.name = 'blocked' order by moved.seat_no
        on conflict (event_no, seat_no) do update set reason = excluded.reason
      ), room as materialized (
        select a.area_no, w.quantity from unnest($6::int4[], $7::int4[]) w(area_no, quantity)
        join holdfast.areas a on a.event_no = $1 and a.area_no = w.area_no
        where w.quantity > 0 and (select count(*) from own) = cardinality($3)
        order by a.area_no
        for update of a
      ), counters as (
        update holdfast.areas a
        set available = a.available + case policy.name when 'available' then room.quantity else 0 end,
          set_aside = a.set_aside + case policy.name when 'available' then 0 else room.quantity end,
          generation = a.generation + 1
        from policy, room
        where a.event_no = $1 and a.area_no = room.area_no
      ), changed as (
        update holdfast.reservations r
        set live_tickets = r.live_tickets - cardinality($3) - (select coalesce(sum(q), 0)::int4 from unnest($7::int4[]) q),
          returned_seat_nos = r.returned_seat_nos || $3::int4[],
          returned_area_quantities = (
            select coalesce(array_agg(coalesce(b.had, 0) + coalesce(b.more, 0) order by b.n), '{}')
            from unnest(r.returned_area_quantities, $7::int4[]) with ordinality b(had, more, n)
          ),
          revision = r.revision + 1
        where r.event_no = $1 and r.reservation_id = $2 and r.state = 'confirmed'
          and not r.returned_seat_nos && $3::int4[]
          and (select count(*) from moved) = cardinality($3)
        returning r.revision, r.user_id
      ), told as (
        insert into holdfast.outbox (occurred_at, event_no, type, origin, seat_nos, seat_generations, data)
        select $4, $1, case policy.name when 'blocked' then 'SeatsSetAside' else 'SeatsReleased' end, $5, m.seat_nos, m.generations,
          jsonb_build_object('reason', $8::text)
        from changed cross join policy cross join (
          select array_agg(seat_no order by seat_no) as seat_nos, array_agg(generation order by seat_no) as generations from moved
        ) m
        where m.seat_nos is not null
      )
      select (select count(*) from moved)::int4 as seats, (select count(*) from changed)::int4 as reservations`,
    values: [
      reservation.eventNo,
      toUuid(reservation.reservationId),
      places.seatNos,
      timestamp(now),
      origin,
      reservation.areas.map(area => area.areaNo),
      places.areaQuantities,
      reason,
    ],
  })
  const { seats, reservations } = rows[0]!
  assert(seats === places.seatNos.length && reservations === 1, 'what a confirmed reservation gives back is its own')
}
