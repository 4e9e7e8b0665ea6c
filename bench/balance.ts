import type { Installation } from './installation.ts'

/** After the load, in SQL and not from anything the server says: seats with two live holders, and live holds that miss a seat. */
export async function balance({ query }: Pick<Installation, 'query'>): Promise<{ oversold: number; lost: number }> {
  const [row] = await query<{ oversold: number; lost: number }>(`
    with claimed as (
      select r.event_no, seat_no, r.reservation_id
      from holdfast.reservations r cross join lateral unnest(r.seat_nos) seat_no
      where r.state = 'confirmed' or (r.state = 'pending_payment' and r.expires_at > holdfast.clock())
    )
    select (select count(*)::int from (select from claimed group by event_no, seat_no having count(*) > 1) twice) as oversold,
      (select count(*)::int from claimed c join holdfast.seats s using (event_no, seat_no)
        where s.reservation_id is distinct from c.reservation_id) as lost`)
  return row!
}
