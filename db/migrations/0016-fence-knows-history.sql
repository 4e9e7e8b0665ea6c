-- The sales fence knows the history that it belongs to, and closes by itself in any other: docs/adr/0017-backups-and-the-fence.md.
-- Locks: `sales_fence` in access exclusive mode, it has one row; `payments` too, for the catalogue alone.

-- Which timeline is written to. A promotion and a restore each begin a new one, so whoever remembers another was not asked.
create function holdfast.timeline() returns text language sql stable as $$
  select case when pg_is_in_recovery() then null else left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) end
$$;

alter table holdfast.sales_fence
  add column timeline text default holdfast.timeline(),
  -- Whether this history closed it, and not a person.
  add column closed_by_history boolean not null default false,
  -- The last moment that the record knew for certain when it was closed so: what was promised later may be forgotten.
  add column known_until timestamptz,
  -- Nothing is acknowledged that a standby has not on its disk. Written through that standby, so it is there when the standby is promoted.
  add column synchronous boolean not null default false,
  add column system_identifier int8;
update holdfast.sales_fence f set system_identifier = c.system_identifier from pg_control_system() c;

-- What a batch of holds asks. Nobody has to notice a promotion first: it is seen by the statement that would sell.
create function holdfast.sales_gate() returns table (epoch int4, closed boolean, reason text) language sql stable as $$
  select f.epoch, f.closed or f.timeline is distinct from holdfast.timeline(), f.reason from holdfast.sales_fence f
$$;

do $$
declare
  v_old text := pg_get_functiondef('holdfast.hold_batch'::regproc);
  v_new text := replace(v_old, 'left join holdfast.sales_fence f on true', 'left join holdfast.sales_gate() f on true');
begin
  if length(v_new) - length(v_old) <> 2 * (length('sales_gate()') - length('sales_fence')) then
    raise exception 'hold_batch does not ask the fence in two places';
  end if;
  execute v_new;
end $$;

-- Money of a sale that a restore has forgotten: the provider does not tell whose it was.
alter table holdfast.payments alter column email drop not null;
