import { type ReservationId, toUuid, type UserId } from '#kernel/ids.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { ReservationRecord } from './ports.ts'
import { nowMs, type ReservationRow, reservationColumns, toRecord } from './reservation-row.ts'

/** One reservation by its key, with the database time it was read at. */
export async function findReservation(
  db: Queryable,
  eventNo: number,
  reservationId: ReservationId,
): Promise<{ reservation: ReservationRecord; now: number } | null> {
  const { rows } = await db.query<ReservationRow & { now: number }>({
    name: 'find_reservation_1',
    text: `select ${reservationColumns}, ${nowMs} as now
      from holdfast.reservations r where r.event_no = $1 and r.reservation_id = $2`,
    values: [eventNo, toUuid(reservationId)],
  })
  const row = rows[0]
  return row === undefined ? null : { reservation: toRecord(row), now: row.now }
}

/**
 * The newest reservations of a user over all events, at most `limit`, older than `before`.
 *
 * Every key begins with the event, and an index by user alone would cost each hold an entry. So this goes from event to event
 * along the key (a skip scan by hand) and looks the user up in each: two look-ups per event that ever had a reservation.
 */
export async function listReservationsOfUser(
  db: Queryable,
  userId: UserId,
  { limit, before }: { limit: number; before?: ReservationId },
): Promise<{ reservations: ReservationRecord[]; now: number }> {
  const { rows } = await db.query<ReservationRow & { now: number }>({
    name: 'list_reservations_of_user_1',
    text: `
      with recursive events(event_no) as (
        (select r.event_no from holdfast.reservations r order by r.event_no limit 1)
        union all
        select (
          select r.event_no from holdfast.reservations r where r.event_no > e.event_no order by r.event_no limit 1
        ) from events e where e.event_no is not null
      ), found as (
        select r.*
        from events e
        cross join lateral (
          select v.* from holdfast.reservations v
          where v.event_no = e.event_no and v.user_id = $1 and ($2::uuid is null or v.reservation_id < $2)
          offset 0
        ) r
        order by r.reservation_id desc
        limit $3
      )
      select ${reservationColumns}, t.now
      from (select ${nowMs} as now) t left join found r on true
      order by r.reservation_id desc`,
    values: [toUuid(userId), before === undefined ? null : toUuid(before), limit],
  })
  return {
    // Without any reservation the one row has the time alone.
    reservations: rows[0]!.reservation_id === null ? [] : rows.map(toRecord),
    now: rows[0]!.now,
  }
}
