-- Consumers of the outbox: where they stand, what they have handled, what they could not. docs/concepts/messages.md.
-- Locks: none that matter, everything here is new.

-- Which history of which cluster a cursor belongs to: transaction ids mean nothing in a database that was loaded from a dump,
-- and after a restore the same ids come again for other transactions.
create function holdfast.message_epoch() returns text language sql stable as $$
  select c.system_identifier || '.' || f.epoch from pg_control_system() c, holdfast.sales_fence f
$$;

-- One row a consumer. `moves` counts every change of the cursor: whoever moves it says which count they read, so that of two
-- processes that work on the same messages one finds out and undoes its work. The lease only saves the wasted work.
create table holdfast.message_cursors (
  consumer text primary key check (consumer ~ '^[a-z][a-z0-9-]{0,62}$'),
  snapshot pg_snapshot not null,
  moves int8 not null default 0,
  epoch text not null default holdfast.message_epoch(),
  leased_by uuid,
  leased_until timestamptz not null default '-infinity'
) with (fillfactor = 50);

-- One row a message and consumer, written in the transaction of the effect. By day of the message, because deleting what is
-- old would cost as much as writing it; a message's day never changes, so it may be part of the key.
create table holdfast.inbox (
  occurred_at timestamptz not null,
  consumer text not null,
  message_id text collate "C" not null,
  primary key (consumer, message_id, occurred_at)
) partition by range (occurred_at);
create table holdfast.inbox_default partition of holdfast.inbox default;

-- Messages whose consumer failed on them alone, and later ones of the same subject, which wait behind: `place` is their order.
create table holdfast.parked_messages (
  place int8 generated always as identity primary key,
  consumer text not null,
  message_id text collate "C" not null,
  subject text not null,
  message jsonb not null,
  attempts int4 not null default 0,
  next_attempt_at timestamptz not null,
  error text not null,
  constraint a_message_is_parked_once unique (consumer, message_id)
);
create index parked_messages_by_subject on holdfast.parked_messages (consumer, subject, place);

-- Makes the partitions of p_table for p_days from the given day (UTC) that do not exist yet; returns how many it made.
-- Attaching locks the parent only against other changes of its partitions, so writers go on. Rows that found no partition of
-- their day went to the default one; they are moved, with its lock held for so long.
create function holdfast.add_day_partitions(p_table text, p_from date, p_days int4) returns int4
language plpgsql
as $$
declare
  v_made int4 := 0;
  v_day date;
  v_name text;
  v_range text;
begin
  perform pg_advisory_xact_lock(hashtext('holdfast.add_day_partitions'));
  for v_day in select p_from + n from generate_series(0, p_days - 1) n loop
    v_name := format('%s_%s', p_table, to_char(v_day, 'YYYYMMDD'));
    continue when to_regclass('holdfast.' || v_name) is not null;
    v_range := format('occurred_at >= %L and occurred_at < %L', v_day::timestamp at time zone 'UTC', (v_day + 1)::timestamp at time zone 'UTC');
    execute format('create table holdfast.%I (like holdfast.%I including defaults including storage)', v_name, p_table);
    execute format('lock table holdfast.%I in access exclusive mode', p_table || '_default');
    execute format('with moved as (delete from holdfast.%I where %s returning *) insert into holdfast.%I select * from moved',
      p_table || '_default', v_range, v_name);
    execute format('alter table holdfast.%I attach partition holdfast.%I for values from (%L) to (%L)',
      p_table, v_name, v_day::timestamp at time zone 'UTC', (v_day + 1)::timestamp at time zone 'UTC');
    v_made := v_made + 1;
  end loop;
  return v_made;
end $$;

-- After the tables were loaded into another cluster. The rows' transaction ids are of the old one, so they get ids of the
-- past of this one, in the order of their positions and spread evenly, so that they can be read in pieces; every cursor goes
-- back to the beginning, and inboxes drop what had been handled. Nothing happens where the cursors belong. True when it did.
create function holdfast.adopt_messages() returns bool
language plpgsql
as $$
declare
  v_here text := split_part(holdfast.message_epoch(), '.', 1);
  v_past int8 := pg_snapshot_xmin(pg_current_snapshot())::text::int8 - 4;
begin
  perform from holdfast.message_cursors order by consumer for update;
  if not exists (select from holdfast.message_cursors where split_part(epoch, '.', 1) <> v_here) then
    return false;
  end if;
  update holdfast.outbox o
  set xid = n.xid
  from (
    select position, (3 + (row_number() over (order by position) - 1) * v_past / count(*) over ())::text::xid8 as xid
    from holdfast.outbox
  ) n
  where o.position = n.position;
  update holdfast.message_cursors set snapshot = '1:1:', moves = moves + 1, epoch = holdfast.message_epoch();
  return true;
end $$;
