-- What a careful textbook does: one transaction a hold, rows locked for update, an outbox row, the usual indexes.
drop schema if exists textbook cascade;
create schema textbook;
create table textbook.seats (
  event_no int4, seat_no int4, status text not null default 'available', reservation_id uuid, held_until timestamptz,
  primary key (event_no, seat_no)
);
create table textbook.reservations (
  reservation_id uuid primary key, event_no int4 not null, user_id int8 not null, state text not null,
  expires_at timestamptz not null, amount int8 not null, key uuid not null, unique (event_no, user_id, key)
);
create index on textbook.reservations (expires_at) where state = 'pending_payment';
create table textbook.outbox (id bigint generated always as identity primary key, event_no int4, type text, payload jsonb);
insert into textbook.seats (event_no, seat_no) select e, s from generate_series(1, 40) e, generate_series(0, 29999) s;
vacuum analyze textbook.seats;
checkpoint;
