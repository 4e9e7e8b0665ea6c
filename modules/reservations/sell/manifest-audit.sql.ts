import type { Queryable } from '#platform/postgres/database.ts'
import type { DiscrepancyKind } from './manifest-audit.ts'

/** What the tables of one event say, counted and compared in one statement and so in one snapshot. */
export type ManifestCounts = {
  capacity: number
  available: number
  held: number
  reserved: number
  sold: number
  blocked: number
  oversold: number
  live_tickets: number
  discrepancy_count: number
  discrepancies: {
    kind: DiscrepancyKind
    seat_no: number | null
    area_no: number | null
    reservation_id: string | null
    /** What was found, and what should have been, where the kind has such. */
    found: string | null
    expected: string | null
  }[]
}

/** At most so many discrepancies are listed; all are counted. */
const listedMax = 100

/** Null if there is no such event. Reads all seats and reservations of the event: 30,000 seats take about 0.1 s. */
export async function countManifest(db: Queryable, eventNo: number): Promise<ManifestCounts | null> {
  const { rows } = await db.query<ManifestCounts>(statement, [eventNo, listedMax])
  return rows[0] ?? null
}

const statement = `
with t as materialized (
  select date_trunc('milliseconds', holdfast.clock()) as now
), seats as materialized (
  select s.*, case when s.status = 'held' and s.held_until <= t.now then 'available' else s.status end as seen
  from holdfast.seats s cross join t
  where s.event_no = $1
), open as materialized (
  -- Live: it has its places. One that has run out and is not swept yet still counts against its areas' counters.
  select r.*, (r.state = 'confirmed' and r.live_tickets > 0)
      or (r.state = 'pending_payment' and (r.expires_at > t.now or r.reserved_at is not null))
      or (r.state = 'expired' and r.reserved_at is not null) as live
  from holdfast.reservations r cross join t
  where r.event_no = $1 and (r.state in ('pending_payment', 'confirmed') or r.reserved_at is not null)
), listed as materialized (
  select r.reservation_id, r.state, r.expires_at, seat_no from open r cross join lateral unnest(r.seat_nos) seat_no
  where r.live and not seat_no = any (r.returned_seat_nos)
), places as materialized (
  select p.area_no,
    coalesce(sum(p.quantity) filter (where r.state <> 'confirmed' and r.live and r.reserved_at is null), 0)::int4 as held,
    coalesce(sum(p.quantity) filter (where r.state <> 'confirmed' and r.reserved_at is not null), 0)::int4 as reserved,
    coalesce(sum(p.quantity) filter (where r.state = 'pending_payment' and not r.live), 0)::int4 as run_out,
    coalesce(sum(p.quantity - coalesce(p.returned, 0)) filter (where r.state = 'confirmed' and r.live), 0)::int4 as sold
  from open r cross join lateral unnest(r.area_nos, r.area_quantities, r.returned_area_quantities) p(area_no, quantity, returned)
  group by p.area_no
), areas as materialized (
  select a.area_no, a.capacity, a.available, a.set_aside, coalesce(p.held, 0) as held, coalesce(p.reserved, 0) as reserved,
    coalesce(p.run_out, 0) as run_out, coalesce(p.sold, 0) as sold
  from holdfast.areas a left join places p on p.area_no = a.area_no
  where a.event_no = $1
), discrepancies as materialized (
  select kind, seat_no, null::int4 as area_no, reservation_id, found, expected
  from (
    select s.seat_no, s.reservation_id,
      case
        when r.reservation_id is null then 'holder-unknown'
        when not s.seat_no = any (r.seat_nos) then 'holder-does-not-list-seat'
        when s.status = 'sold' and not r.state = 'confirmed' then 'sold-without-confirmation'
        when s.status <> 'sold' and r.state <> 'pending_payment' and r.reserved_at is null then 'holder-has-ended'
        when s.status = 'held' and r.reserved_at is not null then 'held-while-being-paid'
        when s.status = 'reserved' and r.reserved_at is null then 'reserved-without-payment'
        when s.status = 'held' and s.held_until <> r.expires_at then 'ends-differ'
      end as kind,
      case when s.status = 'held' then s.held_until::text else s.status::text end as found,
      case when s.status = 'held' then r.expires_at::text else r.state::text end as expected
    from seats s
    left join holdfast.reservations r on r.event_no = $1 and r.reservation_id = s.reservation_id
    where s.reservation_id is not null
  ) holders
  where kind is not null

  union all
  select 'item-without-seat', l.seat_no, null, l.reservation_id, coalesce(s.seen::text, 'missing'), null
  from listed l left join seats s on s.seat_no = l.seat_no
  where s.reservation_id is distinct from l.reservation_id

  union all
  select 'seat-listed-twice', l.seat_no, null, null, count(*)::text, '1' from listed l group by l.seat_no having count(*) > 1

  union all
  select 'area-counter', null, a.area_no, null, a.available::text, (a.capacity - a.held - a.reserved - a.run_out - a.sold - a.set_aside)::text
  from areas a where a.available <> a.capacity - a.held - a.reserved - a.run_out - a.sold - a.set_aside

  union all
  select 'area-out-of-range', null, a.area_no, null, a.available::text, a.capacity::text
  from areas a where a.available not between 0 and a.capacity

  union all
  select 'area-overfull', null, a.area_no, null, (a.held + a.reserved + a.sold)::text, a.capacity::text
  from areas a where a.held + a.reserved + a.sold > a.capacity

  union all
  select 'item-without-area', null, p.area_no, null, null, null
  from places p where not exists (select from areas a where a.area_no = p.area_no)

  union all
  select 'two-live-holds', null, null, min(r.reservation_id::text)::uuid, count(*)::text, '1'
  from open r where r.state = 'pending_payment' and r.live
  group by r.user_id having count(*) > 1

  union all
  select 'blocked-without-reason', s.seat_no, null, null, null, null
  from seats s
  where s.status = 'blocked'
    and not exists (select from holdfast.seat_blocks b where b.event_no = $1 and b.seat_no = s.seat_no)

  union all
  select 'reason-without-block', b.seat_no, null, null, s.status::text, null
  from holdfast.seat_blocks b left join seats s on s.seat_no = b.seat_no
  where b.event_no = $1 and s.status is distinct from 'blocked'

  union all
  select 'quantity-differs', null, null, r.reservation_id, r.quantity::text, i.quantity::text
  from open r
  cross join lateral (
    select cardinality(r.seat_nos) + coalesce((select sum(q) from unnest(r.area_quantities) q), 0) as quantity
  ) i
  where r.quantity <> i.quantity

  union all
  select 'amount-differs', null, null, r.reservation_id, r.amount::text, i.amount::text
  from open r
  cross join lateral (
    select coalesce((select sum(a) from unnest(r.seat_amounts) a), 0)
      + coalesce((select sum(p.quantity * p.amount) from unnest(r.area_quantities, r.area_amounts) p(quantity, amount)), 0) as amount
  ) i
  where r.amount <> i.amount
), counted as (
  select count(*)::int4 as capacity,
    (count(*) filter (where seen = 'available'))::int4 as available,
    (count(*) filter (where seen = 'held'))::int4 as held,
    (count(*) filter (where seen = 'reserved'))::int4 as reserved,
    (count(*) filter (where seen = 'sold'))::int4 as sold,
    (count(*) filter (where seen = 'blocked'))::int4 as blocked
  from seats
), general as (
  select coalesce(sum(capacity), 0)::int4 as capacity,
    coalesce(sum(capacity - held - reserved - sold - set_aside), 0)::int4 as available,
    coalesce(sum(held), 0)::int4 as held, coalesce(sum(reserved), 0)::int4 as reserved, coalesce(sum(sold), 0)::int4 as sold,
    coalesce(sum(set_aside), 0)::int4 as blocked,
    coalesce(sum(greatest(held + reserved + sold - capacity, 0)), 0)::int4 as oversold
  from areas
)
select c.capacity + g.capacity as capacity, c.available + g.available as available, c.held + g.held as held,
  c.reserved + g.reserved as reserved, c.sold + g.sold as sold, c.blocked + g.blocked as blocked,
  g.oversold + (select coalesce(sum(n - 1), 0)::int4 from (select count(*) as n from listed group by seat_no) l) as oversold,
  (select coalesce(sum(r.live_tickets), 0)::int4 from open r) as live_tickets,
  (select count(*)::int4 from discrepancies) as discrepancy_count,
  (
    select coalesce(jsonb_agg(to_jsonb(d)), '[]')
    from (select * from discrepancies order by kind, seat_no, area_no, reservation_id limit $2) d
  ) as discrepancies
from counted c cross join general g
where exists (select from holdfast.events e where e.event_no = $1)`
