import assert from 'node:assert/strict'
import type { Queryable } from '#platform/postgres/database.ts'

/**
 * What must be true of the tables whatever happened, judged in SQL and by nothing that the product says of itself. Answers
 * one sentence for each rule that is broken.
 */
export async function brokenBooks(db: Queryable): Promise<string[]> {
  const broken: string[] = []
  for (const [rule, text] of Object.entries(rules)) {
    const { rows } = await db.query<{ n: number }>(`with ${live} ${text}`)
    if (rows[0]!.n > 0) broken.push(`${rule}: ${rows[0]!.n} times`)
  }
  return broken
}

export async function assertBooksBalance(db: Queryable): Promise<void> {
  assert.deepEqual(await brokenBooks(db), [], 'the books must balance')
}

/** Every seat with a live hold or a ticket, once for each holder. */
const live = `now_is as materialized (select holdfast.clock() as at), claims as (
  select r.event_no, seat_no, r.reservation_id, r.state, r.expires_at
  from now_is n, holdfast.reservations r cross join lateral unnest(r.seat_nos) seat_no
  where (r.state = 'confirmed' and seat_no <> all (r.returned_seat_nos))
    or (r.state = 'pending_payment' and r.expires_at > n.at)
)`

const rules = {
  'a seat has two live holders': `
    select count(*)::int as n from (select from claims group by event_no, seat_no having count(*) > 1) twice`,

  'a live reservation misses its seat': `
    select count(*)::int as n
    from claims c left join holdfast.seats s using (event_no, seat_no)
    where s.reservation_id is distinct from c.reservation_id or s.status not in ('held', 'reserved', 'sold')
      or (s.status = 'held' and s.held_until <> c.expires_at)`,

  'a seat is held by nobody': `
    select count(*)::int as n
    from now_is t cross join holdfast.seats s left join claims c using (event_no, seat_no, reservation_id)
    where s.status = 'held' and s.held_until > t.at and c.reservation_id is null`,

  'an area counts wrong': `
    select count(*)::int as n
    from holdfast.areas a
    where a.capacity - a.available <> (
      select coalesce(sum(q.quantity), 0)
      from holdfast.reservations r cross join lateral unnest(r.area_nos, r.area_quantities) q(area_no, quantity)
      where r.event_no = a.event_no and q.area_no = a.area_no and r.state in ('pending_payment', 'confirmed')
    )`,

  'an area is sold beyond its capacity': `
    select count(*)::int as n
    from holdfast.areas a
    where a.capacity < (
      select coalesce(sum(q.quantity), 0)
      from now_is t, holdfast.reservations r cross join lateral unnest(r.area_nos, r.area_quantities) q(area_no, quantity)
      where r.event_no = a.event_no and q.area_no = a.area_no
        and (r.state = 'confirmed' or (r.state = 'pending_payment' and r.expires_at > t.at))
    )`,

  'a user has two live holds in an event': `
    select count(*)::int as n
    from (
      select from now_is t, holdfast.reservations r
      where r.state = 'pending_payment' and r.expires_at > t.at
      group by r.event_no, r.user_id having count(*) > 1
    ) twice`,

  'a key made two reservations': `
    select count(*)::int as n
    from (select from holdfast.reservations group by event_no, user_id, key_hash having count(*) > 1) twice`,

  'a change of a reservation was not told, or told twice': `
    select count(*)::int as n
    from holdfast.reservations r
    left join (
      select o.event_no, o.subject, count(*) as told, count(distinct o.revision) as revisions
      from holdfast.outbox o group by o.event_no, o.subject
    ) o on o.event_no = r.event_no and o.subject = r.reservation_id
    where (r.revision, r.revision) is distinct from (o.told, o.revisions)
      -- Where there is a payment, some changes are told as the payment's.
      and not exists (select from holdfast.payments p where (p.event_no, p.reservation_id) = (r.event_no, r.reservation_id))`,

  'a change of a seat was not told, or told twice': `
    select count(*)::int as n
    from holdfast.seats s
    left join (
      select o.event_no, t.seat_no, count(*) as told, count(distinct t.generation) as generations, max(t.generation) as latest
      from holdfast.outbox o cross join lateral unnest(o.seat_nos, o.seat_generations) t(seat_no, generation)
      group by o.event_no, t.seat_no
    ) o using (event_no, seat_no)
    where (s.generation, s.generation, s.generation)
      is distinct from (coalesce(o.told, 0), coalesce(o.generations, 0), coalesce(o.latest, 0))`,
}
