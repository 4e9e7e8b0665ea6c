import type { Queryable } from '#platform/postgres/database.ts'

/** What payments, refunds and tickets of an event say, in the snapshot of the transaction that asks. Amounts in minor units. */
export type MoneyCounts = {
  captured_amount: number
  refunded_amount: number
  refund_pending_amount: number
  quarantined_amount: number
  ticket_value: number
  live_tickets: number
  discrepancies: {
    kind: MoneyDiscrepancy
    reservation_id: string | null
    found: string | null
    expected: string | null
  }[]
}

export type MoneyDiscrepancy =
  | 'sold-seat-without-ticket'
  | 'ticket-without-sold-seat'
  | 'ticket-count-differs'
  | 'ticket-without-money'
  | 'money-without-ticket'
  | 'refunds-exceed-money'
  | 'payment-without-places'
  | 'quarantined-payment'

const listedMax = 100

export async function countMoney(db: Queryable, eventNo: number): Promise<MoneyCounts> {
  const { rows } = await db.query<MoneyCounts>(statement, [eventNo, listedMax])
  return rows[0]!
}

const statement = `
with live as materialized (
  select t.* from holdfast.tickets t where t.event_no = $1 and t.status <> 'void'
), paid as materialized (
  select p.*,
    coalesce((select sum(r.amount) from holdfast.refunds r
      where r.event_no = p.event_no and r.payment_id = p.payment_id and r.status = 'succeeded'), 0)::int8 as refunded,
    coalesce((select sum(r.amount) from holdfast.refunds r
      where r.event_no = p.event_no and r.payment_id = p.payment_id and r.status = 'pending'), 0)::int8 as refunding
  from holdfast.payments p where p.event_no = $1
), valued as materialized (
  select l.reservation_id, sum(l.amount)::int8 as value, count(*)::int4 as tickets from live l group by l.reservation_id
), discrepancies as materialized (
  select 'sold-seat-without-ticket' as kind, s.reservation_id, s.seat_no::text as found, null::text as expected
  from holdfast.seats s
  where s.event_no = $1 and s.status = 'sold'
    and not exists (select from live l where l.seat_no = s.seat_no and l.reservation_id = s.reservation_id)

  union all
  select 'ticket-without-sold-seat', l.reservation_id, l.seat_no::text, coalesce(s.status::text, 'missing')
  from live l left join holdfast.seats s on s.event_no = $1 and s.seat_no = l.seat_no
  where l.seat_no is not null and (s.status is distinct from 'sold' or s.reservation_id is distinct from l.reservation_id)

  union all
  select 'ticket-count-differs', r.reservation_id, coalesce(v.tickets, 0)::text, r.live_tickets::text
  from holdfast.reservations r left join valued v on v.reservation_id = r.reservation_id
  where r.event_no = $1 and (r.state = 'confirmed' or v.tickets is not null)
    and coalesce(v.tickets, 0) <> r.live_tickets

  union all
  select 'ticket-without-money', v.reservation_id, v.value::text, coalesce(p.captured_amount - p.refunded - p.refunding, 0)::text
  from valued v left join paid p on p.reservation_id = v.reservation_id
  where v.value > coalesce(p.captured_amount - p.refunded - p.refunding, 0)

  union all
  select 'money-without-ticket', p.reservation_id, (p.captured_amount - p.refunded - p.refunding)::text, coalesce(v.value, 0)::text
  from paid p left join valued v on v.reservation_id = p.reservation_id
  where p.status <> 'quarantined' and p.captured_amount - p.refunded - p.refunding > coalesce(v.value, 0)

  union all
  select 'refunds-exceed-money', p.reservation_id, (p.refunded + p.refunding)::text, p.captured_amount::text
  from paid p where p.refunded + p.refunding > p.captured_amount

  union all
  -- An open payment keeps its places until a minute after the hold; then it is looked at without them.
  select 'payment-without-places', p.reservation_id, p.status::text, r.state::text
  from paid p join holdfast.reservations r on r.event_no = $1 and r.reservation_id = p.reservation_id
  where p.status = 'capturing' and r.reserved_at is null

  union all
  select 'quarantined-payment', p.reservation_id, p.quarantine_reason, null from paid p where p.status = 'quarantined'
)
select
  coalesce((select sum(captured_amount) from paid), 0)::int8 as captured_amount,
  coalesce((select sum(refunded) from paid), 0)::int8 as refunded_amount,
  coalesce((select sum(refunding) from paid), 0)::int8 as refund_pending_amount,
  coalesce((select sum(captured_amount - refunded - refunding) from paid where status = 'quarantined'), 0)::int8 as quarantined_amount,
  coalesce((select sum(amount) from live), 0)::int8 as ticket_value,
  (select count(*)::int4 from live) as live_tickets,
  (select coalesce(jsonb_agg(to_jsonb(d)), '[]') from (
    select * from discrepancies order by kind, reservation_id limit $2
  ) d) as discrepancies`
