-- Tickets: one row for each place that is sold. Words: docs/concepts/tickets.md.
-- Locks: none that matter, everything here is new.
--
-- Labels are frozen at the sale: what is printed stays true whatever becomes of names. The signature is made in the transaction that
-- sells; pictures and pages are made when somebody asks.

create type holdfast.ticket_status as enum ('valid', 'used', 'void', 'transferred');

create table holdfast.tickets (
  event_no int4 not null,
  ticket_id uuid not null,
  reservation_id uuid not null,
  user_id uuid not null,
  seat_no int4,
  area_no int4,
  section text,
  "row" text,
  number text,
  area_id text,
  status holdfast.ticket_status not null default 'valid',
  -- Counts re-issues: of two codes of one ticket, the higher is the one that is good.
  generation int4 not null default 1,
  level_no int2 not null,
  amount int8 not null check (amount >= 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  holder_name text not null check (length(holder_name) between 1 and 254),
  key_number int2 not null check (key_number between 0 and 255),
  signature bytea not null check (octet_length(signature) = 64),
  issued_at timestamptz not null,
  voided_at timestamptz,
  void_reason text,
  revision int4 not null default 1,
  primary key (event_no, ticket_id),
  constraint a_ticket_is_for_one_place check ((seat_no is null) <> (area_no is null)),
  constraint only_void_tickets_are_voided check ((status = 'void') = (voided_at is not null))
) with (fillfactor = 85);

-- The last wall: two people with a ticket for one seat.
create unique index one_live_ticket_per_seat on holdfast.tickets (event_no, seat_no)
  where status <> 'void' and seat_no is not null;
create index tickets_by_reservation on holdfast.tickets (event_no, reservation_id);
create index tickets_by_user on holdfast.tickets (user_id, ticket_id);
