-- Which installation this is. It writes its id on what it makes at a payment provider, whose account others may share.
-- Locks: none but on the new table.

create table holdfast.installation (
  only_row boolean primary key default true check (only_row),
  installation_id uuid not null default gen_random_uuid()
);
insert into holdfast.installation default values;
