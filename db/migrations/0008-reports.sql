-- What a sale did, by minute: written by a consumer of the messages, read by staff. Never a source for a decision.
-- Locks: none that matter, everything here is new.

-- Minutes are of the messages, not of when they were read, so a consumer that catches up fills the past.
create table holdfast.sale_figures (
  event_id uuid not null,
  minute timestamptz not null,
  holds int4 not null default 0,
  places_held int4 not null default 0,
  extended int4 not null default 0,
  cancelled int4 not null default 0,
  places_cancelled int4 not null default 0,
  expired int4 not null default 0,
  places_expired int4 not null default 0,
  primary key (event_id, minute)
) with (fillfactor = 50);
