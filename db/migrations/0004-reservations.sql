-- Seats, areas, reservations: what decides a sale. Words and protocol: docs/concepts/holding-a-seat.md.
-- Locks: none that matter, everything here is new.
--
-- `event_no` leads every key, so that these tables can be distributed or split by event. There is no foreign key to users
-- (guests have no row) and none from seats to reservations: a seat outlives its holders, and an overdue holder is replaced
-- without a look at their reservation.

create type holdfast.seat_status as enum ('available', 'held', 'reserved', 'sold', 'blocked');
create type holdfast.reservation_state as enum ('pending_payment', 'confirmed', 'expired', 'cancelled');

-- One narrow row a seat. No index on status or end: an update then touches no index at all (HOT), and the free half of each
-- page is there for the next version of its rows.
create table holdfast.seats (
  event_no int4 not null,
  seat_no int4 not null,
  status holdfast.seat_status not null default 'available',
  -- Counts the changes of this seat; whoever follows them drops what is older than what they have.
  generation int4 not null default 0,
  held_until timestamptz,
  reservation_id uuid,
  primary key (event_no, seat_no),
  constraint only_a_hold_has_an_end check ((status = 'held') = (held_until is not null)),
  constraint taken_seats_have_a_holder check ((status in ('held', 'reserved', 'sold')) = (reservation_id is not null))
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.5);

-- Why staff set a seat aside. Apart from the seat, whose row stays narrow.
create table holdfast.seat_blocks (
  event_no int4 not null,
  seat_no int4 not null,
  reason text not null check (length(reason) between 1 and 200),
  primary key (event_no, seat_no)
);

-- General admission is a counter: places in an area have no names. The check is the last wall.
create table holdfast.areas (
  event_no int4 not null,
  area_no int4 not null,
  area_id text not null,
  capacity int4 not null check (capacity >= 0),
  available int4 not null,
  generation int4 not null default 0,
  primary key (event_no, area_no),
  unique (event_no, area_id),
  constraint available_is_within_capacity check (available between 0 and capacity)
) with (fillfactor = 50);

-- A reservation and its items with their frozen prices, as parallel arrays in the order asked: they are written once and
-- always read whole, and a table of items would cost an insert and an index entry for each seat
-- (docs/adr/0010-items-inside-the-reservation.md). Labels come from the seat map, which is immutable once used.
create table holdfast.reservations (
  event_no int4 not null,
  reservation_id uuid not null,
  user_id uuid not null,
  state holdfast.reservation_state not null default 'pending_payment',
  revision int4 not null default 1,
  quantity int4 not null check (quantity > 0),
  live_tickets int4 not null default 0 check (live_tickets >= 0),
  extensions_left int2 not null check (extensions_left >= 0),
  initial_extensions_left int2 not null,
  created_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > created_at),
  -- The answer as first given, for a repeated request.
  initial_expires_at timestamptz not null,
  ended_at timestamptz,
  -- First 16 bytes of SHA-256 of the idempotency key and of the validated body, in the type that stores 16 bytes.
  key_hash uuid not null,
  request_hash uuid not null,
  amount int8 not null check (amount >= 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  seat_nos int4[] not null default '{}',
  seat_levels int2[] not null default '{}',
  seat_amounts int8[] not null default '{}',
  area_nos int4[] not null default '{}',
  area_quantities int4[] not null default '{}',
  area_levels int2[] not null default '{}',
  area_amounts int8[] not null default '{}',
  replaces uuid,
  primary key (event_no, reservation_id),
  constraint a_key_makes_one_reservation unique (event_no, user_id, key_hash),
  constraint only_the_living_have_no_end check ((state = 'pending_payment') = (ended_at is null))
) with (fillfactor = 85);

create unique index one_live_hold_per_user_and_event on holdfast.reservations (event_no, user_id)
  where state = 'pending_payment';
create index pending_by_end on holdfast.reservations (expires_at) where state = 'pending_payment';

-- What happened, in the transaction in which it happened: one row a reservation and change, expanded by the relay.
-- `origin` is the process that wrote it; a process that follows changes skips its own.
create table holdfast.outbox (
  position int8 generated always as identity,
  xid xid8 not null default pg_current_xact_id(),
  occurred_at timestamptz not null,
  event_no int4 not null,
  type text not null,
  -- The thing changed, and its revision: messages of one thing are delivered in this order.
  subject uuid,
  revision int4 not null default 0,
  origin uuid,
  user_id uuid,
  seat_nos int4[],
  seat_generations int4[],
  held_until timestamptz,
  data jsonb
) partition by range (occurred_at);
create table holdfast.outbox_default partition of holdfast.outbox default;
create index outbox_by_xid on holdfast.outbox (xid, position);

-- Ends live reservations whose rows the caller has locked, and gives back exactly what still carries their id: seats that
-- somebody else claimed after the hold had run out are theirs. Answers what it ended and which seats that freed.
-- Lock order: seats by number, then areas. A caller that will need areas of its own names them in p_area_*: they are locked
-- in the same sweep, because two callers that each hold one area and then ask for the other's would wait for ever.
--
-- Planned anew on each call, with the tables as large as they then are: a plan kept from when they were small read all seats
-- of an event for each reservation, and a sweep of 1,000 took minutes. What stands in materialized lists or in a case is there
-- so that no plan, whatever the statistics, joins seats by event alone or reads everything that is pending.
create function holdfast.end_reservations(
  p_event int4[], p_id uuid[], p_state holdfast.reservation_state, p_now timestamptz, p_origin uuid,
  p_area_event int4[] default null, p_area_no int4[] default null
) returns table (event_no int4, reservation_id uuid, revision int4, seat_nos int4[], seat_generations int4[])
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
  perform from (
      with listed as materialized (
        select r.event_no, r.reservation_id, seat_no
        from unnest(p_event, p_id) g(event_no, id)
        join holdfast.reservations r on r.event_no = g.event_no and r.reservation_id = g.id
        cross join lateral unnest(r.seat_nos) seat_no
      )
      select from listed w
      join holdfast.seats s on s.event_no = w.event_no and s.seat_no = w.seat_no and s.reservation_id = w.reservation_id
      order by s.event_no, s.seat_no
      for update of s
    ) locked;

  if p_area_event is not null then
    perform from holdfast.areas a
      where (a.event_no, a.area_no) in (
        select l.event_no, l.area_no from unnest(p_area_event, p_area_no) l(event_no, area_no)
        union all
        select r.event_no, area_no
        from unnest(p_event, p_id) g(event_no, id)
        join holdfast.reservations r on r.event_no = g.event_no and r.reservation_id = g.id
        cross join lateral unnest(r.area_nos) area_no
      )
      order by a.event_no, a.area_no
      for update;
  end if;

  return query
  with ended as (
    update holdfast.reservations r
    set state = p_state, revision = r.revision + 1, ended_at = p_now
    from unnest(p_event, p_id) g(event_no, id)
    where r.event_no = g.event_no and r.reservation_id = g.id and case r.state when 'pending_payment' then true end
    returning r.event_no, r.reservation_id, r.user_id, r.revision, r.seat_nos, r.area_nos, r.area_quantities
  ), listed as materialized (
    select e.event_no, e.reservation_id, e.user_id, seat_no from ended e cross join lateral unnest(e.seat_nos) seat_no
  ), freed as (
    update holdfast.seats s
    set status = 'available', held_until = null, reservation_id = null, generation = s.generation + 1
    from listed w
    where s.event_no = w.event_no and s.seat_no = w.seat_no
      and s.reservation_id = w.reservation_id and s.status = 'held'
    returning s.event_no, s.seat_no, s.generation, w.reservation_id, w.user_id
  ), returned as (
    update holdfast.areas a
    set available = a.available + w.quantity, generation = a.generation + 1
    from (
      select e.event_no, t.area_no, sum(t.quantity)::int4 as quantity
      from ended e cross join lateral unnest(e.area_nos, e.area_quantities) t(area_no, quantity)
      group by e.event_no, t.area_no
      order by e.event_no, t.area_no
    ) w
    where a.event_no = w.event_no and a.area_no = w.area_no
  ), told as (
    insert into holdfast.outbox (occurred_at, event_no, type, subject, revision, origin, user_id, seat_nos, seat_generations)
    -- One pass over both lists: a join of thousands of ended reservations with their seats would be quadratic here.
    select p_now, b.event_no, case p_state when 'expired' then 'ReservationExpired' else 'ReservationCancelled' end,
      b.reservation_id, max(b.revision), p_origin, b.user_id,
      array_agg(b.seat_no order by b.seat_no) filter (where b.seat_no is not null),
      array_agg(b.generation order by b.seat_no) filter (where b.seat_no is not null)
    from (
      select e.event_no, e.reservation_id, e.user_id, e.revision, null::int4 as seat_no, null::int4 as generation from ended e
      union all
      select f.event_no, f.reservation_id, f.user_id, null, f.seat_no, f.generation from freed f
    ) b
    group by b.event_no, b.reservation_id, b.user_id
    order by b.event_no, b.reservation_id
    returning event_no, subject, revision, seat_nos, seat_generations
  )
  select t.event_no, t.subject, t.revision, t.seat_nos, t.seat_generations from told t;
end $$;

-- Ends up to p_limit reservations that have run out. Skips what somebody else is working on; call until it returns less.
create function holdfast.expire_due(p_limit int4, p_origin uuid) returns int4
language plpgsql
set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_now timestamptz := date_trunc('milliseconds', holdfast.clock());
  v_event int4[];
  v_id uuid[];
begin
  select array_agg(d.event_no), array_agg(d.reservation_id) into v_event, v_id
  from (
    select r.event_no, r.reservation_id
    from holdfast.reservations r
    where r.state = 'pending_payment' and r.expires_at <= v_now
    order by r.expires_at
    limit p_limit
    for update skip locked
  ) d;
  if v_id is null then
    return 0;
  end if;
  return (select count(*) from holdfast.end_reservations(v_event, v_id, 'expired', v_now, p_origin));
end $$;
