-- A reservation whose payment is open does not run out by itself.
-- Locks: `reservations`, `areas` and `events` in access exclusive mode for a moment each (columns with constant defaults);
-- building the new index keeps writers of `reservations` waiting, some seconds at a million rows.

-- Set when checkout opens a payment, and until the reservation ends: its seats are `reserved` for so long. In an expired
-- reservation it says that a late payment is just taking the places back.
alter table holdfast.reservations add column reserved_at timestamptz;
-- What a refund has taken from a confirmed reservation, in the order of its items.
alter table holdfast.reservations add column returned_seat_nos int4[] not null default '{}';
alter table holdfast.reservations add column returned_area_quantities int4[] not null default '{}';

drop index holdfast.pending_by_end;
create index pending_by_end on holdfast.reservations (expires_at) where state = 'pending_payment' and reserved_at is null;

-- Places that came back by a refund and are not sold again before staff say so.
alter table holdfast.areas add column set_aside int4 not null default 0 check (set_aside >= 0);
alter table holdfast.areas drop constraint available_is_within_capacity;
alter table holdfast.areas add constraint available_is_within_capacity
  check (available >= 0 and available + set_aside <= capacity);

-- What becomes of a seat whose ticket is refunded.
alter table holdfast.events add column returns text not null default 'blocked' check (returns in ('blocked', 'available'));

-- As in 0004, and frees reserved seats too: whoever ends a reservation with an open payment knows that nothing will come of it.
create or replace function holdfast.end_reservations(
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
    set state = p_state, revision = r.revision + 1, ended_at = p_now, reserved_at = null
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
      and s.reservation_id = w.reservation_id and s.status in ('held', 'reserved')
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

-- As in 0004, and leaves reservations with an open payment alone: what the provider says ends those.
create or replace function holdfast.expire_due(p_limit int4, p_origin uuid) returns int4
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
    where r.state = 'pending_payment' and r.reserved_at is null and r.expires_at <= v_now
    order by r.expires_at
    limit p_limit
    for update skip locked
  ) d;
  if v_id is null then
    return 0;
  end if;
  return (select count(*) from holdfast.end_reservations(v_event, v_id, 'expired', v_now, p_origin));
end $$;

-- As in 0005, with one more outcome: 17, what it replaces is being paid. A reservation with an open payment counts as live, however
-- late it is, until the provider's answer ends it.
create or replace function holdfast.hold_batch(
  p_origin uuid, p_careful bool,
  r_event int4[], r_user uuid[], r_id uuid[], r_key uuid[], r_body uuid[], r_version int4[], r_replaces uuid[], r_probe bool[],
  r_quantity int4[], r_limit int4[], r_amount int8[], r_currency text[], r_hold_seconds int4[], r_extensions int2[],
  r_seat_from int4[], r_seat_to int4[], r_area_from int4[], r_area_to int4[],
  s_request int4[], s_event int4[], s_seat int4[], s_level int2[], s_amount int8[],
  a_request int4[], a_event int4[], a_area int4[], a_quantity int4[], a_level int2[], a_amount int8[],
  out judged_at timestamptz, out outcomes int2[], out generations int4[], out details jsonb
)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan set lock_timeout = '500ms'
as $$
#variable_conflict use_column
declare
  nothing constant uuid := '00000000-0000-0000-0000-000000000000';
  v_now timestamptz;
  v_count int4 := cardinality(r_event);
  v_out int2[];
  v_overdue bool[];
  v_any_overdue bool;
  v_ends timestamptz[];
  v_extensions int2[] := r_extensions;
  v_generations int4[];
  v_locked int4[];
  v_ids uuid[];
  v_events int4[];
  v_found_at int4[];
  v_details jsonb := '{}';
  v_found jsonb;
  v_wanted int4;
  v_inserted int4;
  v_moved int4;
  v_row record;
  v_area_events int4[];
  v_area_nos int4[];
  v_area_keys int8[];
  v_area_left int4[];
  v_area_before int4[];
  v_given record;
  v_at int4;
  v_area int4;
begin
  -- Whole milliseconds, the unit of the answers: what is compared later is then what was said.
  v_now := date_trunc('milliseconds', holdfast.clock());

  -- The common case: nobody has anything here, no areas, nothing to replace. Then the seats are moved without locking them
  -- first, one index look-up a seat instead of two, and the rows inserted without looking for conflicts first. All or
  -- nothing: if one seat or one row is not as hoped, all of it is undone and the careful way follows.
  if not p_careful and cardinality(a_request) = 0 and nothing = all (r_replaces) and false = all (r_probe) then
    begin
      -- A seat that stays locked is for the careful way, which skips it: here it would make the whole batch wait.
      perform set_config('lock_timeout', '100ms', true);
      if exists (
        -- `offset 0` keeps this a look-up a user: joined, a plan made while the table was empty would scan it.
        select from unnest(r_event, r_user, r_key, r_quantity, r_limit) q(event_no, user_id, key_hash, quantity, most)
        where q.quantity > q.most or exists (
          select from holdfast.reservations v
          where v.event_no = q.event_no and v.user_id = q.user_id
            and (v.state = 'pending_payment' or v.key_hash = q.key_hash or v.live_tickets > 0)
          offset 0
        )
      ) or (
        select count(*) filter (where e.version = q.version and not f.closed
          and (e.status = 'onsale' or (e.status = 'scheduled' and e.onsale_at <= v_now))) < count(*)
        from (select distinct u.event_no, u.version from unnest(r_event, r_version) u(event_no, version)) q
        left join holdfast.sales_fence f on true
        left join holdfast.events e on e.event_no = q.event_no
      ) then
        raise exception using errcode = 'HF001';
      end if;
      select array_agg(v_now + h * interval '1 second' order by n) into v_ends
      from unnest(r_hold_seconds) with ordinality u(h, n);
      with moved as (
        update holdfast.seats s
        set status = 'held', held_until = f.ends, reservation_id = f.id, generation = s.generation + 1
        from (
          select u.i, u.event_no, u.seat_no, r_id[u.request] as id, v_ends[u.request] as ends
          from unnest(s_request, s_event, s_seat) with ordinality u(request, event_no, seat_no, i)
          order by u.event_no, u.seat_no
        ) f
        where s.event_no = f.event_no and s.seat_no = f.seat_no
          and (s.status = 'available' or (s.status = 'held' and s.held_until <= v_now))
        returning f.i, s.generation
      )
      select array_agg(m.generation order by m.i) into v_generations from moved m;
      if cardinality(v_generations) is distinct from cardinality(s_request) then
        raise exception using errcode = 'HF001';
      end if;
      insert into holdfast.reservations (event_no, reservation_id, user_id, quantity, extensions_left, initial_extensions_left,
        created_at, expires_at, initial_expires_at, key_hash, request_hash, amount, currency, seat_nos, seat_levels, seat_amounts)
      select q.event_no, q.id, q.user_id, q.quantity, q.extensions, q.extensions, v_now, q.ends, q.ends,
        q.key_hash, q.request_hash, q.amount, q.currency,
        s_seat[q.seat_from:q.seat_to], s_level[q.seat_from:q.seat_to], s_amount[q.seat_from:q.seat_to]
      from unnest(r_event, r_user, r_id, r_key, r_body, r_quantity, r_amount, r_currency, r_seat_from, r_seat_to,
        v_ends, r_extensions)
        as q(event_no, user_id, id, key_hash, request_hash, quantity, amount, currency, seat_from, seat_to, ends, extensions);
      insert into holdfast.outbox (occurred_at, event_no, type, subject, revision, origin, user_id, seat_nos, seat_generations, held_until)
      select v_now, q.event_no, 'ReservationCreated', q.id, 1, p_origin, q.user_id, s_seat[q.seat_from:q.seat_to],
        v_generations[q.seat_from:q.seat_to], q.ends
      from unnest(r_event, r_id, r_user, r_seat_from, r_seat_to, v_ends) q(event_no, id, user_id, seat_from, seat_to, ends);
      judged_at := v_now;
      generations := v_generations;
      return;
    exception when sqlstate 'HF001' or unique_violation or lock_not_available then
      null; -- the careful way finds out what it was
    end;
  end if;

  -- (a) What these users already have here, (b) what the event says, in one look.
  select array_agg((case
      when m.key_outcome is not null then m.key_outcome
      when e.event_no is null then 16
      when f.closed is distinct from false then 6
      when not (e.status = 'onsale' or (e.status = 'scheduled' and e.onsale_at <= v_now)) then 5
      when e.version <> q.version then 4
      when q.quantity + coalesce(m.tickets, 0) > q.most then 7
      when m.live then 8
      when q.replaces <> nothing and m.replaced is null then 13
      when q.replaces <> nothing and m.replaced <> 'pending_payment' then 14
      when q.replaces <> nothing and m.replaced_is_being_paid then 17
      when q.replaces <> nothing and m.overdue then 14
      else 0
    end)::int2 order by q.n),
    array_agg(coalesce(m.overdue, false) order by q.n),
    coalesce(bool_or(m.overdue), false)
  into v_out, v_overdue, v_any_overdue
  from unnest(r_event, r_user, r_key, r_body, r_version, r_replaces, r_quantity, r_limit)
    with ordinality q(event_no, user_id, key_hash, request_hash, version, replaces, quantity, most, n)
  left join holdfast.sales_fence f on true
  left join holdfast.events e on e.event_no = q.event_no
  left join lateral (
    select max(case when v.key_hash = q.key_hash then case when v.request_hash = q.request_hash then 2 else 3 end end) as key_outcome,
      bool_or(v.state = 'pending_payment' and v.expires_at <= v_now and v.reserved_at is null) as overdue,
      bool_or(v.state = 'pending_payment' and (v.expires_at > v_now or v.reserved_at is not null)
        and v.reservation_id <> q.replaces) as live,
      max(v.state) filter (where v.reservation_id = q.replaces) as replaced,
      bool_or(v.reservation_id = q.replaces and v.reserved_at is not null) as replaced_is_being_paid,
      sum(v.live_tickets + case when v.state = 'pending_payment' and (v.expires_at > v_now or v.reserved_at is not null)
        and v.reservation_id <> q.replaces then v.quantity else 0 end) as tickets
    from holdfast.reservations v
    where v.event_no = q.event_no and v.user_id = q.user_id
  ) m on true;

  -- A probe writes nothing and has its answer.
  for v_at in 1..v_count loop
    if v_out[v_at] = 0 and r_probe[v_at] then
      v_out[v_at] := 15;
    end if;
  end loop;

  -- Their own holds that have run out. One that somebody else is about to end is left to them.
  if v_any_overdue then
    select array_agg(d.event_no), array_agg(d.reservation_id), array_agg(d.n) into v_events, v_ids, v_found_at
    from (
      select v.event_no, v.reservation_id, q.n
      from unnest(r_event, r_user) with ordinality q(event_no, user_id, n)
      join holdfast.reservations v on v.event_no = q.event_no and v.user_id = q.user_id
      -- As a case, so that no plan reads all that has run out to find these.
      where v_overdue[q.n] and v_out[q.n] = 0 and case v.state when 'pending_payment' then v.expires_at <= v_now and v.reserved_at is null end
      order by v.event_no, v.user_id
      for update of v skip locked
    ) d;
    for v_at in 1..v_count loop
      if v_out[v_at] = 0 and v_overdue[v_at] and (v_at = any (v_found_at)) is not true then
        v_out[v_at] := 12;
      end if;
    end loop;
  end if;

  -- What is to be replaced, looked at again under its lock.
  v_ends := array_fill(v_now, array[v_count]);
  for v_at in 1..v_count loop
    if v_out[v_at] = 0 then
      v_ends[v_at] := v_now + r_hold_seconds[v_at] * interval '1 second';
    end if;
    if v_out[v_at] = 0 and r_replaces[v_at] <> nothing then
      select v.expires_at as ends, v.extensions_left as extensions, v.reserved_at into v_row
      from holdfast.reservations v
      where v.event_no = r_event[v_at] and v.reservation_id = r_replaces[v_at] and v.user_id = r_user[v_at]
        and v.state = 'pending_payment'
      for update skip locked;
      if not found then
        v_out[v_at] := 12;
      elsif v_row.reserved_at is not null then
        v_out[v_at] := 17;
      elsif v_row.ends <= holdfast.clock() then
        v_out[v_at] := 14;
      else
        v_ends[v_at] := v_row.ends;
        v_extensions[v_at] := v_row.extensions;
      end if;
    end if;
  end loop;

  -- The areas that will be touched, and holds that have run out in those that run short.
  if cardinality(a_request) > 0 then
    select array_agg(t.event_no), array_agg(t.area_no) into v_area_events, v_area_nos
    from (
      select w.event_no, w.area_no from unnest(a_request, a_event, a_area) w(request, event_no, area_no)
      where v_out[w.request] = 0
      union
      select v.event_no, area_no
      from unnest(r_event, r_user, r_replaces) with ordinality q(event_no, user_id, id, n)
      join holdfast.reservations v on v.event_no = q.event_no and v.user_id = q.user_id and v.reservation_id = q.id
      cross join lateral unnest(v.area_nos) area_no
      where v_out[q.n] = 0 and q.id <> nothing
    ) t;
    select array_agg(w.event_no) as events, array_agg(w.area_no) as areas into v_row
    from (
      select w.event_no, w.area_no, sum(w.quantity) as quantity
      from unnest(a_request, a_event, a_area, a_quantity) w(request, event_no, area_no, quantity)
      where v_out[w.request] = 0
      group by w.event_no, w.area_no
    ) w
    join holdfast.areas a on a.event_no = w.event_no and a.area_no = w.area_no
    where a.available < w.quantity;
    if v_row.events is not null then
      select v_events || array_agg(d.event_no), v_ids || array_agg(d.reservation_id) into v_events, v_ids
      from (
        select v.event_no, v.reservation_id
        from holdfast.reservations v
        where v.state = 'pending_payment' and v.reserved_at is null and v.expires_at <= v_now
          and exists (
            select from unnest(v_row.events, v_row.areas) w(event_no, area_no)
            where v.event_no = w.event_no and w.area_no = any (v.area_nos)
          )
        order by v.expires_at
        limit 500
        for update of v skip locked
      ) d;
    end if;
  end if;

  if v_ids is not null then
    perform holdfast.end_reservations(v_events, v_ids, 'expired', v_now, p_origin, v_area_events, v_area_nos);
  end if;

  -- (c) Lock what can be had, in order, skipping what is busy.
  select coalesce(array_agg(l.i), '{}') into v_locked
  from (
    select f.i
    from unnest(s_request, s_event, s_seat) with ordinality f(request, event_no, seat_no, i)
    join holdfast.seats s on s.event_no = f.event_no and s.seat_no = f.seat_no
    where v_out[f.request] = 0
      and (s.status = 'available'
        or (s.status = 'held' and (s.held_until <= v_now or s.reservation_id = r_replaces[f.request])))
    order by s.event_no, s.seat_no
    for update of s skip locked
  ) l;

  select count(*) into v_wanted from unnest(s_request) f(request) where v_out[f.request] = 0;
  if cardinality(v_locked) < v_wanted then
    -- Of what is missing: taken if it cannot be claimed, otherwise busy. A request that misses anything writes nothing.
    for v_row in
      select f.request,
        array_agg(f.seat_no order by f.i) filter (where not claimable.yes) as taken
      from unnest(s_request, s_event, s_seat) with ordinality f(request, event_no, seat_no, i)
      left join holdfast.seats s on s.event_no = f.event_no and s.seat_no = f.seat_no
      cross join lateral (
        select coalesce(s.status = 'available'
          or (s.status = 'held' and (s.held_until <= v_now or s.reservation_id = r_replaces[f.request])), false) as yes
      ) claimable
      where v_out[f.request] = 0 and not (f.i = any (v_locked))
      group by f.request
    loop
      v_out[v_row.request] := case when v_row.taken is null then 10 else 9 end;
      if v_row.taken is not null then
        v_details := v_details || jsonb_build_object(v_row.request, jsonb_build_object('seats', v_row.taken));
      end if;
    end loop;
  end if;

  -- Areas: locked in order, then first come, first served within the batch.
  if cardinality(a_request) > 0 then
    select array_agg(l.event_no::int8 << 32 | l.area_no), array_agg(l.available) into v_area_keys, v_area_left
    from (
      select a.event_no, a.area_no, a.available
      from holdfast.areas a
      where (a.event_no, a.area_no) in (
        select t.event_no, t.area_no from unnest(v_area_events, v_area_nos) t(event_no, area_no)
      )
      order by a.event_no, a.area_no
      for update
    ) l;
    for v_row in
      select w.request, array_agg(w.i order by w.i) as entries from unnest(a_request) with ordinality w(request, i)
      where v_out[w.request] = 0
      group by w.request
      order by min(w.i)
    loop
      v_area_before := v_area_left;
      if r_replaces[v_row.request] <> nothing then
        -- What the user gives back in the same step is free for them first.
        for v_given in
          select array_position(v_area_keys, v.event_no::int8 << 32 | t.area_no) as area, t.quantity
          from holdfast.reservations v
          cross join lateral unnest(v.area_nos, v.area_quantities) t(area_no, quantity)
          where v.event_no = r_event[v_row.request] and v.user_id = r_user[v_row.request]
            and v.reservation_id = r_replaces[v_row.request]
        loop
          v_area_left[v_given.area] := v_area_left[v_given.area] + v_given.quantity;
        end loop;
      end if;
      foreach v_at in array v_row.entries loop
        v_area := array_position(v_area_keys, a_event[v_at]::int8 << 32 | a_area[v_at]);
        if coalesce(v_area_left[v_area], 0) < a_quantity[v_at] then
          v_out[v_row.request] := 11;
          v_details := v_details || jsonb_build_object(v_row.request,
            jsonb_build_object('area', a_area[v_at], 'available', coalesce(v_area_left[v_area], 0)));
          v_area_left := v_area_before;
          exit;
        end if;
        v_area_left[v_area] := v_area_left[v_area] - a_quantity[v_at];
      end loop;
    end loop;
  end if;

  -- The seat or place may have gone to this very user meanwhile, under this key or another: the next batch sees which.
  if 9 = any (v_out) or 11 = any (v_out) then
    for v_row in
      select q.n as request
      from unnest(r_event, r_user, r_key, r_replaces) with ordinality q(event_no, user_id, key_hash, replaces, n)
      where v_out[q.n] in (9, 11) and exists (
        select from holdfast.reservations v
        where v.event_no = q.event_no and v.user_id = q.user_id and (v.key_hash = q.key_hash
          or (v.state = 'pending_payment' and (v.expires_at > v_now or v.reserved_at is not null)
            and v.reservation_id <> q.replaces))
        offset 0
      )
    loop
      v_out[v_row.request] := 12;
    end loop;
  end if;

  -- What is replaced ends in the same transaction, once its successor can have everything.
  select array_agg(q.event_no), array_agg(q.replaces) into v_events, v_ids
  from unnest(r_event, r_replaces) with ordinality q(event_no, replaces, n)
  where v_out[q.n] = 0 and q.replaces <> nothing;
  if v_ids is not null then
    perform holdfast.end_reservations(v_events, v_ids, 'cancelled', v_now, p_origin);
  end if;

  -- (d) The reservations. A row that is not inserted met one that we could not see yet: again, in the next batch.
  select count(*) into v_wanted from unnest(v_out) o(code) where o.code = 0;
  with made as (
    insert into holdfast.reservations (event_no, reservation_id, user_id, quantity, extensions_left, initial_extensions_left,
      created_at, expires_at, initial_expires_at, key_hash, request_hash, amount, currency,
      seat_nos, seat_levels, seat_amounts, area_nos, area_quantities, area_levels, area_amounts, replaces)
    select q.event_no, q.id, q.user_id, q.quantity, v_extensions[q.n], v_extensions[q.n],
      v_now, v_ends[q.n], v_ends[q.n], q.key_hash, q.request_hash, q.amount, q.currency,
      s_seat[q.seat_from:q.seat_to], s_level[q.seat_from:q.seat_to], s_amount[q.seat_from:q.seat_to],
      a_area[q.area_from:q.area_to], a_quantity[q.area_from:q.area_to], a_level[q.area_from:q.area_to],
      a_amount[q.area_from:q.area_to], q.replaces
    from unnest(r_event, r_user, r_id, r_key, r_body, r_quantity, r_amount, r_currency, r_seat_from, r_seat_to, r_area_from,
      r_area_to, r_replaces)
      with ordinality q(event_no, user_id, id, key_hash, request_hash, quantity, amount, currency, seat_from, seat_to,
        area_from, area_to, replaces, n)
    where v_out[q.n] = 0
    order by q.n
    on conflict do nothing
    returning reservation_id
  )
  select count(*), array_agg(reservation_id) into v_inserted, v_ids from made;
  for v_at in 1..v_count loop
    if v_out[v_at] = 0 then
      if v_inserted = v_wanted or r_id[v_at] = any (v_ids) then
        v_out[v_at] := 1;
      elsif r_replaces[v_at] <> nothing then
        raise exception 'a reservation that replaces another met a key of the same user' using errcode = '40001';
      else
        v_out[v_at] := 12;
      end if;
    end if;
  end loop;

  -- (e) The seats, each row once, and (f) one message a reservation, from the rows as they were written.
  with moved as (
    update holdfast.seats s
    set status = 'held', held_until = v_ends[f.request], reservation_id = r_id[f.request], generation = s.generation + 1
    from unnest(s_request, s_event, s_seat) with ordinality f(request, event_no, seat_no, i)
    where v_out[f.request] = 1 and s.event_no = f.event_no and s.seat_no = f.seat_no
      and (s.status = 'available' or (s.status = 'held' and s.held_until <= v_now))
    returning f.i, f.request, s.seat_no, s.generation
  ), told as (
    insert into holdfast.outbox (occurred_at, event_no, type, subject, revision, origin, user_id, seat_nos, seat_generations, held_until)
    select v_now, r_event[m.request], 'ReservationCreated', r_id[m.request], 1, p_origin, r_user[m.request],
      array_agg(m.seat_no order by m.i), array_agg(m.generation order by m.i), v_ends[m.request]
    from moved m
    group by m.request
    order by m.request
  )
  select count(*), array_agg(m.generation order by m.i) into v_moved, v_generations from moved m;
  select count(*) into v_wanted from unnest(s_request) f(request) where v_out[f.request] = 1;
  if v_moved <> v_wanted then
    raise exception 'a batch moved % seats where it had locked %', v_moved, v_wanted using errcode = 'assert_failure';
  end if;

  if cardinality(a_request) > 0 then
    update holdfast.areas a
    set available = a.available - w.quantity, generation = a.generation + 1
    from (
      select w.event_no, w.area_no, sum(w.quantity)::int4 as quantity
      from unnest(a_request, a_event, a_area, a_quantity) w(request, event_no, area_no, quantity)
      where v_out[w.request] = 1
      group by w.event_no, w.area_no
    ) w
    where a.event_no = w.event_no and a.area_no = w.area_no;

    insert into holdfast.outbox (occurred_at, event_no, type, subject, revision, origin, user_id, held_until)
    select v_now, r_event[n], 'ReservationCreated', r_id[n], 1, p_origin, r_user[n], v_ends[n]
    from generate_series(1, v_count) n
    where v_out[n] = 1 and r_seat_to[n] < r_seat_from[n];
  end if;

  -- What some answers speak of: the end inherited, what was made with the same key, the live hold.
  for v_at in 1..v_count loop
    if v_out[v_at] = 1 and r_replaces[v_at] <> nothing then
      v_details := v_details || jsonb_build_object(v_at, jsonb_build_object(
        'expires_at', (extract(epoch from v_ends[v_at]) * 1000)::int8, 'extensions_left', v_extensions[v_at]));
    elsif v_out[v_at] in (2, 8) then
      select jsonb_build_object('reservation_id', v.reservation_id) into v_found
      from holdfast.reservations v
      where v.event_no = r_event[v_at] and v.user_id = r_user[v_at]
        and case when v_out[v_at] = 2 then v.key_hash = r_key[v_at] else v.state = 'pending_payment' end
      limit 1;
      if found then
        v_details := v_details || jsonb_build_object(v_at, v_found);
      else
        v_out[v_at] := 12; -- it has ended since
      end if;
    end if;
  end loop;

  judged_at := v_now;
  outcomes := v_out;
  generations := v_generations;
  details := case when v_details = '{}' then null else v_details end;
end $$;
