import { fromUuid, type ReservationId, toUuid } from '#kernel/ids.ts'
import type { Tx } from '#platform/postgres/database.ts'
import { timestamp } from '../change/parameters.ts'
import type { ReservationRecord } from '../ports.ts'

/**
 * The live hold, not being paid, of the same user in the same event, under its lock: a late payment may take places back from it.
 * Locked before any seat, as everywhere.
 */
export async function lockNewerHold(
  tx: Tx,
  { eventNo, reservationId, userId }: Pick<ReservationRecord, 'eventNo' | 'reservationId' | 'userId'>,
): Promise<{ reservationId: ReservationId; seatNos: number[]; areaNos: number[] } | null> {
  const { rows } = await tx.query<{ reservation_id: string; seat_nos: number[]; area_nos: number[] }>({
    name: 'lock_newer_hold_1',
    text: `select r.reservation_id, r.seat_nos, r.area_nos from holdfast.reservations r
      where r.event_no = $1 and r.user_id = $2 and r.reservation_id <> $3 and r.state = 'pending_payment' and r.reserved_at is null
      for update`,
    values: [eventNo, toUuid(userId), toUuid(reservationId)],
  })
  const row = rows[0]
  return row === undefined
    ? null
    : { reservationId: fromUuid('rsv', row.reservation_id), seatNos: row.seat_nos, areaNos: row.area_nos }
}

/**
 * Locks what ending the newer hold and reclaiming will write, all seats in their order and then the areas, as everywhere: the two
 * one after the other would lock areas before seats.
 */
export async function lockForReclaim(
  tx: Tx,
  options: {
    reservation: ReservationRecord
    newer: { reservationId: ReservationId; seatNos: readonly number[]; areaNos: readonly number[] }
    now: number
  },
): Promise<void> {
  const { reservation, newer, now } = options
  const { eventNo, seats, areas } = reservation
  await tx.query({
    name: 'lock_for_reclaim_1',
    text: `select from holdfast.seats s
      where s.event_no = $1 and s.seat_no = any ($2::int4[])
        and (s.status = 'available' or (s.status = 'held' and (s.held_until <= $3 or s.reservation_id = $4)))
      order by s.seat_no
      for update`,
    values: [
      eventNo,
      [...seats.map(seat => seat.seatNo), ...newer.seatNos],
      timestamp(now),
      toUuid(newer.reservationId),
    ],
  })
  await tx.query({
    name: 'lock_areas_1',
    text: `select from holdfast.areas a where a.event_no = $1 and a.area_no = any ($2::int4[]) order by a.area_no for update`,
    values: [eventNo, [...areas.map(area => area.areaNo), ...newer.areaNos]],
  })
}

/**
 * Takes all places of an expired, locked reservation back for a late payment, or none: false when one of them is not to be had. A
 * seat is to be had if it is free or its hold has run out; a place in an area if the counter has one. Seats that somebody else is
 * writing are waited for.
 *
 * After `false` something may have been written all the same (somebody moved between two of its steps): the caller undoes it.
 */
export async function reclaimPlaces(
  tx: Tx,
  { reservation, now, origin }: { reservation: ReservationRecord; now: number; origin: string },
): Promise<boolean> {
  const { rows } = await tx.query<{ seats: number; areas: number; told: number }>({
    name: 'reclaim_places_1',
    text: `
      with free as materialized (
        select s.seat_no from holdfast.seats s
        where s.event_no = $1 and s.seat_no = any ($3::int4[])
          and (s.status = 'available' or (s.status = 'held' and s.held_until <= $4))
        order by s.seat_no
        for update
      ), room as materialized (
        select a.area_no from holdfast.areas a
        join unnest($6::int4[], $7::int4[]) w(area_no, quantity) on w.area_no = a.area_no
        where a.event_no = $1 and a.available >= w.quantity and (select count(*) from free) = cardinality($3)
        order by a.area_no
        for update of a
      ), complete as materialized (
        select (select count(*) from free) = cardinality($3) and (select count(*) from room) = cardinality($6) as yes
      ), moved as (
        update holdfast.seats s
        set status = 'reserved', held_until = null, reservation_id = $2, generation = s.generation + 1
        from free, complete
        where complete.yes and s.event_no = $1 and s.seat_no = free.seat_no
          and (s.status = 'available' or (s.status = 'held' and s.held_until <= $4))
        returning s.seat_no, s.generation
      ), taken as (
        update holdfast.areas a
        set available = a.available - w.quantity, generation = a.generation + 1
        from complete, unnest($6::int4[], $7::int4[]) w(area_no, quantity)
        where complete.yes and a.event_no = $1 and a.area_no = w.area_no and a.available >= w.quantity
        returning a.area_no
      ), reclaiming as (
        update holdfast.reservations r
        set reserved_at = $4, revision = r.revision + 1
        from complete
        where complete.yes and r.event_no = $1 and r.reservation_id = $2 and r.state = 'expired' and r.reserved_at is null
        returning r.revision, r.user_id
      ), told as (
        insert into holdfast.outbox (occurred_at, event_no, type, subject, revision, origin, user_id, seat_nos, seat_generations)
        select $4, $1, 'SeatsReserved', $2, r.revision, $5, r.user_id, m.seat_nos, m.generations
        from reclaiming r
        cross join (
          select array_agg(seat_no order by seat_no) as seat_nos, array_agg(generation order by seat_no) as generations from moved
        ) m
        returning 1
      )
      select (select count(*) from moved)::int4 as seats, (select count(*) from taken)::int4 as areas,
        (select count(*) from told)::int4 as told`,
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
  const { seats, areas, told } = rows[0]!
  return seats === reservation.seats.length && areas === reservation.areas.length && told === 1
}
