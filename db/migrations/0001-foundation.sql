-- The schema, the one clock, and the sales fence.
-- Locks: none that matter, everything here is new.

create schema if not exists holdfast;

-- The only source of time in SQL. clock_timestamp(), because now() stands still within a transaction and a hold's end must
-- be judged after the row lock was had. Tests replace this function in their template database; production has no switch.
create function holdfast.clock() returns timestamptz
  language sql volatile parallel safe
  return pg_catalog.clock_timestamp();

-- One row. While `closed`, no batch commits a hold: set after a restore or a promotion until the books are reconciled.
-- `epoch` counts those events; messages and passes carry it.
create table holdfast.sales_fence (
  only_row boolean primary key default true check (only_row),
  epoch int4 not null default 1 check (epoch > 0),
  closed boolean not null default false,
  reason text
);
insert into holdfast.sales_fence default values;
