-- No statistics of columns that nothing is looked for by: the lists of a reservation's items above all. In an on-sale these tables
-- grow by a twentieth every few seconds and are analysed again, and for the elements of lists that took half a second of a processor
-- each time, while people waited for their seats.
-- Locks: share update exclusive on reservations, outbox and its partitions; readers and writers go on.

alter table holdfast.reservations
  alter column seat_nos set statistics 0,
  alter column seat_levels set statistics 0,
  alter column seat_amounts set statistics 0,
  alter column area_nos set statistics 0,
  alter column area_quantities set statistics 0,
  alter column area_levels set statistics 0,
  alter column area_amounts set statistics 0,
  alter column request_hash set statistics 0;

alter table holdfast.outbox
  alter column seat_nos set statistics 0,
  alter column seat_generations set statistics 0,
  alter column data set statistics 0;

-- As in 0007; days that are made from now on are without them too.
create or replace function holdfast.add_day_partitions(p_table text, p_from date, p_days int4) returns int4
language plpgsql
as $$
declare
  v_made int4 := 0;
  v_day date;
  v_name text;
  v_range text;
  v_column text;
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
    -- What "like" does not copy. The columns of the parent whose statistics nobody needs.
    for v_column in
      select a.attname from pg_attribute a
      where a.attrelid = format('holdfast.%I', p_table)::regclass and a.attstattarget = 0
        -- Before PostgreSQL 17 the columns of the system have 0 as well.
        and a.attnum > 0 and not a.attisdropped
    loop
      execute format('alter table holdfast.%I alter column %I set statistics 0', v_name, v_column);
    end loop;
    execute format('alter table holdfast.%I attach partition holdfast.%I for values from (%L) to (%L)',
      p_table, v_name, v_day::timestamp at time zone 'UTC', (v_day + 1)::timestamp at time zone 'UTC');
    v_made := v_made + 1;
  end loop;
  return v_made;
end $$;
