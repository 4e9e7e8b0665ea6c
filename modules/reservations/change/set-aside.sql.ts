import type { Queryable, Tx } from '#platform/postgres/database.ts'
import type { SeatStatus } from '../ports.ts'

/** A seat as it was found, and its new generation if it was changed. Overtaken: it could be had, but somebody was faster. */
export type SeatAsked = { seatNo: number; status: SeatStatus; wasOvertaken: boolean; generation: number | null }

type Row = { seat_no: number; status: SeatStatus; was_overtaken: boolean; generation: number | null }

/**
 * Blocks those of the seats that anybody could claim, and gives those that are blocked already the new reason. Seats with a
 * holder are not even locked: a batch that is replacing their hold may be waiting for them while it has seats that this waits
 * for.
 */
export async function blockSeats(
  tx: Tx,
  { eventNo, seatNos, reason, origin }: { eventNo: number; seatNos: number[]; reason: string; origin: string },
): Promise<SeatAsked[]> {
  const { rows } = await tx.query<Row>(
    `with t as materialized (select date_trunc('milliseconds', holdfast.clock()) as now),
    asked as materialized (
      select s.seat_no, case when s.status = 'held' and s.held_until <= t.now then 'available' else s.status end as status
      from holdfast.seats s cross join t
      where s.event_no = $1 and s.seat_no = any ($2::int4[])
    ), locked as materialized (
      select s.seat_no from holdfast.seats s
      where s.event_no = $1 and s.seat_no = any ($2)
        and (s.status in ('available', 'blocked') or (s.status = 'held' and s.held_until <= (select now from t)))
      order by s.seat_no
      for update
    ), moved as (
      update holdfast.seats s
      set status = 'blocked', held_until = null, reservation_id = null, generation = s.generation + 1
      from locked
      where s.event_no = $1 and s.seat_no = locked.seat_no
        and (s.status = 'available' or (s.status = 'held' and s.held_until <= (select now from t)))
      returning s.seat_no, s.generation
    ), reasons as (
      insert into holdfast.seat_blocks (event_no, seat_no, reason)
      select $1, locked.seat_no, $3 from locked order by locked.seat_no
      on conflict (event_no, seat_no) do update set reason = excluded.reason
    ), told as (
      insert into holdfast.outbox (occurred_at, event_no, type, origin, seat_nos, seat_generations, data)
      select t.now, $1, 'SeatsSetAside', $4, m.seat_nos, m.generations, jsonb_build_object('reason', $3::text)
      from t cross join (
        select array_agg(seat_no order by seat_no) as seat_nos, array_agg(generation order by seat_no) as generations from moved
      ) m
      where m.seat_nos is not null
    )
    select a.seat_no, a.status, m.generation,
      a.status in ('available', 'blocked') and not exists (select from locked l where l.seat_no = a.seat_no) as was_overtaken
    from asked a left join moved m on m.seat_no = a.seat_no
    order by a.seat_no`,
    [eventNo, seatNos, reason, origin],
  )
  return rows.map(toSeat)
}

/** Puts those of the seats that were set aside back on sale. */
export async function releaseSeats(
  tx: Tx,
  { eventNo, seatNos, origin }: { eventNo: number; seatNos: number[]; origin: string },
): Promise<SeatAsked[]> {
  const { rows } = await tx.query<Row>(
    `with t as materialized (select date_trunc('milliseconds', holdfast.clock()) as now),
    asked as materialized (
      select s.seat_no, case when s.status = 'held' and s.held_until <= t.now then 'available' else s.status end as status
      from holdfast.seats s cross join t
      where s.event_no = $1 and s.seat_no = any ($2::int4[])
    ), locked as materialized (
      select s.seat_no from holdfast.seats s
      where s.event_no = $1 and s.seat_no = any ($2) and s.status = 'blocked'
      order by s.seat_no
      for update
    ), moved as (
      update holdfast.seats s
      set status = 'available', generation = s.generation + 1
      from locked
      where s.event_no = $1 and s.seat_no = locked.seat_no and s.status = 'blocked'
      returning s.seat_no, s.generation
    ), reasons as (
      delete from holdfast.seat_blocks b using moved where b.event_no = $1 and b.seat_no = moved.seat_no
    ), told as (
      insert into holdfast.outbox (occurred_at, event_no, type, origin, seat_nos, seat_generations)
      select t.now, $1, 'SeatsReleased', $3, m.seat_nos, m.generations
      from t cross join (
        select array_agg(seat_no order by seat_no) as seat_nos, array_agg(generation order by seat_no) as generations from moved
      ) m
      where m.seat_nos is not null
    )
    select a.seat_no, a.status, m.generation, false as was_overtaken
    from asked a left join moved m on m.seat_no = a.seat_no
    order by a.seat_no`,
    [eventNo, seatNos, origin],
  )
  return rows.map(toSeat)
}

export async function seatStatusesNow(
  db: Queryable,
  eventNo: number,
  seatNos: number[],
): Promise<{ seatNo: number; status: SeatStatus }[]> {
  const { rows } = await db.query<{ seat_no: number; status: SeatStatus }>(
    'select seat_no, status from holdfast.seats where event_no = $1 and seat_no = any ($2::int4[])',
    [eventNo, seatNos],
  )
  return rows.map(row => ({ seatNo: row.seat_no, status: row.status }))
}

function toSeat(row: Row): SeatAsked {
  return { seatNo: row.seat_no, status: row.status, wasOvertaken: row.was_overtaken, generation: row.generation }
}
