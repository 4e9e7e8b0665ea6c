-- The schema as the migrations leave it, printed from the catalogue of PostgreSQL by `npm run schema`. Not to be edited.

-- Some functions speak of tables that come after them.
set check_function_bodies = off;

create schema holdfast;

create extension pg_trgm with schema public;

create extension unaccent with schema public;

create type holdfast.event_status as enum ('draft', 'scheduled', 'onsale', 'paused', 'ended', 'cancelled');

create type holdfast.mail_state as enum ('queued', 'sent', 'failed', 'skipped');

create type holdfast.payment_event_state as enum ('stored', 'settled', 'ignored', 'quarantined');

create type holdfast.payment_status as enum ('open', 'processing', 'authorized', 'capturing', 'captured', 'cancelled', 'refund_pending', 'partly_refunded', 'refunded', 'quarantined');

create type holdfast.refund_status as enum ('pending', 'succeeded', 'failed');

create type holdfast.reservation_state as enum ('pending_payment', 'confirmed', 'expired', 'cancelled');

create type holdfast.seat_status as enum ('available', 'held', 'reserved', 'sold', 'blocked');

create type holdfast.ticket_status as enum ('valid', 'used', 'void', 'transferred');

create table holdfast.areas (
  event_no integer not null,
  area_no integer not null,
  area_id text not null,
  capacity integer not null,
  available integer not null,
  generation integer not null default 0,
  set_aside integer not null default 0,
  constraint areas_pkey PRIMARY KEY (event_no, area_no),
  constraint areas_event_no_area_id_key UNIQUE (event_no, area_id),
  constraint areas_capacity_check CHECK ((capacity >= 0)),
  constraint areas_set_aside_check CHECK ((set_aside >= 0)),
  constraint available_is_within_capacity CHECK (((available >= 0) AND ((available + set_aside) <= capacity)))
) with (fillfactor=50);

CREATE OR REPLACE FUNCTION holdfast.clock()
 RETURNS timestamp with time zone
 LANGUAGE sql
 PARALLEL SAFE
RETURN clock_timestamp();

create table holdfast.venues (
  venue_id uuid not null,
  name text not null,
  city text not null,
  country text not null,
  timezone text not null,
  created_at timestamp with time zone not null default holdfast.clock(),
  constraint venues_pkey PRIMARY KEY (venue_id),
  constraint venues_city_check CHECK (((length(city) >= 1) AND (length(city) <= 200))),
  constraint venues_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
  constraint venues_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200)))
);

create table holdfast.seatmaps (
  seatmap_id uuid not null,
  venue_id uuid not null,
  version integer not null,
  name text not null,
  seat_count integer not null,
  area_count integer not null,
  geometry_hash bytea not null,
  geometry bytea storage external not null,
  created_at timestamp with time zone not null default holdfast.clock(),
  constraint seatmaps_pkey PRIMARY KEY (seatmap_id),
  constraint one_seatmap_per_venue_and_version UNIQUE (venue_id, version),
  constraint seatmaps_area_count_check CHECK ((area_count >= 0)),
  constraint seatmaps_geometry_hash_check CHECK ((length(geometry_hash) = 32)),
  constraint seatmaps_seat_count_check CHECK (((seat_count >= 0) AND (seat_count <= 100000))),
  constraint seatmaps_version_check CHECK ((version > 0)),
  constraint something_can_be_sold CHECK (((seat_count > 0) OR (area_count > 0))),
  constraint seatmaps_venue_id_fkey FOREIGN KEY (venue_id) REFERENCES holdfast.venues(venue_id)
);

CREATE OR REPLACE FUNCTION holdfast.fold(given text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN lower(public.unaccent('public.unaccent'::regdictionary, NORMALIZE(given, NFKC)));

create table holdfast.events (
  event_no integer not null generated always as identity,
  event_id uuid not null,
  venue_id uuid not null,
  seatmap_id uuid not null,
  version integer not null default 1,
  seatmap_version integer not null default 1,
  status holdfast.event_status not null default 'draft'::holdfast.event_status,
  slug text not null,
  name text not null,
  artist text,
  description text,
  image_url text,
  starts_at timestamp with time zone not null,
  doors_at timestamp with time zone,
  onsale_at timestamp with time zone,
  currency text not null,
  ticket_limit integer not null,
  hold_policy jsonb not null,
  late_payment text not null,
  place text not null,
  created_at timestamp with time zone not null default holdfast.clock(),
  changed_at timestamp with time zone not null default holdfast.clock(),
  search_words text not null generated always as (holdfast.fold(((((name || ' '::text) || COALESCE(artist, ''::text)) || ' '::text) || place))) stored,
  search tsvector not null generated always as (((setweight(to_tsvector('simple'::regconfig, holdfast.fold(((name || ' '::text) || COALESCE(artist, ''::text)))), 'A'::"char") || setweight(to_tsvector('simple'::regconfig, holdfast.fold(place)), 'B'::"char")) || setweight(to_tsvector('simple'::regconfig, holdfast.fold(COALESCE(description, ''::text))), 'D'::"char"))) stored,
  returns text not null default 'blocked'::text,
  constraint events_pkey PRIMARY KEY (event_no),
  constraint a_slug_names_one_event UNIQUE (slug),
  constraint events_event_id_key UNIQUE (event_id),
  constraint a_scheduled_event_has_a_time CHECK (((status <> 'scheduled'::holdfast.event_status) OR (onsale_at IS NOT NULL))),
  constraint a_slug_is_never_an_id CHECK (((slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'::text) AND (length(slug) <= 100))),
  constraint events_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  constraint events_late_payment_check CHECK ((late_payment = ANY (ARRAY['reclaim'::text, 'refund'::text]))),
  constraint events_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
  constraint events_returns_check CHECK ((returns = ANY (ARRAY['blocked'::text, 'available'::text]))),
  constraint events_seatmap_version_check CHECK ((seatmap_version > 0)),
  constraint events_ticket_limit_check CHECK ((ticket_limit > 0)),
  constraint events_version_check CHECK ((version > 0)),
  constraint events_seatmap_id_fkey FOREIGN KEY (seatmap_id) REFERENCES holdfast.seatmaps(seatmap_id),
  constraint events_venue_id_fkey FOREIGN KEY (venue_id) REFERENCES holdfast.venues(venue_id)
);
CREATE INDEX events_by_search ON holdfast.events USING gin (search);
CREATE INDEX events_by_similarity ON holdfast.events USING gin (search_words public.gin_trgm_ops);
CREATE INDEX events_by_start ON holdfast.events USING btree (starts_at, event_no) WHERE (status <> 'draft'::holdfast.event_status);

create table holdfast.idempotency (
  key_hash bytea not null,
  request_hash bytea not null,
  status smallint not null,
  headers json not null,
  body json,
  expires_at timestamp with time zone not null,
  constraint idempotency_pkey PRIMARY KEY (key_hash),
  constraint idempotency_key_hash_check CHECK ((octet_length(key_hash) = 32)),
  constraint idempotency_request_hash_check CHECK ((octet_length(request_hash) = 32)),
  constraint idempotency_status_check CHECK (((status >= 200) AND (status <= 299)))
);
CREATE INDEX idempotency_expires ON holdfast.idempotency USING btree (expires_at);

create table holdfast.inbox (
  occurred_at timestamp with time zone not null,
  consumer text not null,
  message_id text collate "C" not null,
  constraint inbox_pkey PRIMARY KEY (consumer, message_id, occurred_at)
) partition by RANGE (occurred_at);

create table holdfast.inbox_default partition of holdfast.inbox DEFAULT;

create table holdfast.installation (
  only_row boolean not null default true,
  installation_id uuid not null default gen_random_uuid(),
  constraint installation_pkey PRIMARY KEY (only_row),
  constraint installation_only_row_check CHECK (only_row)
);

create table holdfast.mails (
  mail_id uuid not null,
  dedupe_key text collate "C" not null,
  template text not null,
  event_id uuid not null,
  reservation_id uuid not null,
  data jsonb not null,
  message_id_header text not null,
  state holdfast.mail_state not null default 'queued'::holdfast.mail_state,
  attempts integer not null default 0,
  next_attempt_at timestamp with time zone,
  last_error text,
  occurred_at timestamp with time zone not null,
  created_at timestamp with time zone not null default holdfast.clock(),
  sent_at timestamp with time zone,
  traceparent text,
  constraint mails_pkey PRIMARY KEY (mail_id),
  constraint a_message_asks_for_a_mail_once UNIQUE (dedupe_key),
  constraint only_queued_mails_are_attempted CHECK (((state = 'queued'::holdfast.mail_state) = (next_attempt_at IS NOT NULL))),
  constraint sent_mails_have_a_time CHECK (((state = 'sent'::holdfast.mail_state) = (sent_at IS NOT NULL)))
) with (fillfactor=70);
CREATE INDEX mails_of_reservation ON holdfast.mails USING btree (reservation_id, occurred_at);
CREATE INDEX mails_to_send ON holdfast.mails USING btree (next_attempt_at) WHERE (state = 'queued'::holdfast.mail_state);

CREATE OR REPLACE FUNCTION holdfast.message_epoch()
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
  select c.system_identifier || '.' || f.epoch from pg_control_system() c, holdfast.sales_fence f
$function$;

create table holdfast.message_cursors (
  consumer text not null,
  snapshot pg_snapshot not null,
  moves bigint not null default 0,
  epoch text not null default holdfast.message_epoch(),
  leased_by uuid,
  leased_until timestamp with time zone not null default '-infinity'::timestamp with time zone,
  constraint message_cursors_pkey PRIMARY KEY (consumer),
  constraint message_cursors_consumer_check CHECK ((consumer ~ '^[a-z][a-z0-9-]{0,62}$'::text))
) with (fillfactor=50);

create table holdfast.outbox (
  "position" bigint not null generated always as identity,
  xid xid8 not null default pg_current_xact_id(),
  occurred_at timestamp with time zone not null,
  event_no integer not null,
  type text not null,
  subject uuid,
  revision integer not null default 0,
  origin uuid,
  user_id uuid,
  seat_nos integer[],
  seat_generations integer[],
  held_until timestamp with time zone,
  data jsonb
) partition by RANGE (occurred_at);
CREATE INDEX outbox_by_xid ON ONLY holdfast.outbox USING btree (xid, "position");
alter table only holdfast.outbox
  alter column seat_nos set statistics 0,
  alter column seat_generations set statistics 0,
  alter column data set statistics 0;

create table holdfast.outbox_default partition of holdfast.outbox DEFAULT;
alter table only holdfast.outbox_default
  alter column seat_nos set statistics 0,
  alter column seat_generations set statistics 0,
  alter column data set statistics 0;

create table holdfast.parked_messages (
  place bigint not null generated always as identity,
  consumer text not null,
  message_id text collate "C" not null,
  subject text not null,
  message jsonb not null,
  attempts integer not null default 0,
  next_attempt_at timestamp with time zone not null,
  error text not null,
  constraint parked_messages_pkey PRIMARY KEY (place),
  constraint a_message_is_parked_once UNIQUE (consumer, message_id)
);
CREATE INDEX parked_messages_by_subject ON holdfast.parked_messages USING btree (consumer, subject, place);

create table holdfast.payment_attempts (
  event_no integer not null,
  payment_id uuid not null,
  attempt_ref text not null,
  code text not null,
  decline_code text,
  seen_at timestamp with time zone not null,
  constraint payment_attempts_pkey PRIMARY KEY (event_no, payment_id, attempt_ref)
);

create table holdfast.payment_events (
  provider text not null,
  provider_event_id text not null,
  type text not null,
  created_at timestamp with time zone not null,
  received_at timestamp with time zone not null default holdfast.clock(),
  source text not null,
  told jsonb not null,
  state holdfast.payment_event_state not null default 'stored'::holdfast.payment_event_state,
  event_no integer,
  payment_id uuid,
  reason text,
  attempts integer not null default 0,
  next_attempt_at timestamp with time zone not null default '-infinity'::timestamp with time zone,
  settled_at timestamp with time zone,
  constraint payment_events_pkey PRIMARY KEY (provider, provider_event_id),
  constraint quarantine_says_why CHECK (((state <> 'quarantined'::holdfast.payment_event_state) OR (reason IS NOT NULL)))
) with (fillfactor=70);
CREATE INDEX payment_events_quarantined ON holdfast.payment_events USING btree (received_at) WHERE (state = 'quarantined'::holdfast.payment_event_state);
CREATE INDEX payment_events_to_settle ON holdfast.payment_events USING btree (next_attempt_at) WHERE (state = 'stored'::holdfast.payment_event_state);

create table holdfast.payment_refs (
  provider text not null,
  provider_ref text not null,
  event_no integer not null,
  payment_id uuid not null,
  constraint payment_refs_pkey PRIMARY KEY (provider, provider_ref)
);

create table holdfast.payments (
  event_no integer not null,
  payment_id uuid not null,
  reservation_id uuid not null,
  user_id uuid not null,
  provider text not null,
  provider_ref text,
  amount bigint not null,
  currency text not null,
  email text,
  name text not null,
  status holdfast.payment_status not null default 'open'::holdfast.payment_status,
  revision integer not null default 1,
  captured_amount bigint not null default 0,
  late boolean not null default false,
  quarantine_reason text,
  create_sent_at timestamp with time zone,
  queued_at timestamp with time zone,
  cancel_requested_at timestamp with time zone,
  next_look_at timestamp with time zone,
  looks integer not null default 0,
  traceparent text,
  created_at timestamp with time zone not null,
  constraint payments_pkey PRIMARY KEY (event_no, payment_id),
  constraint a_reservation_is_paid_once UNIQUE (event_no, reservation_id),
  constraint never_more_than_asked CHECK (((captured_amount <= amount) OR (status = 'quarantined'::holdfast.payment_status))),
  constraint only_captured_money_is_counted CHECK ((((status = ANY (ARRAY['captured'::holdfast.payment_status, 'refund_pending'::holdfast.payment_status, 'partly_refunded'::holdfast.payment_status, 'refunded'::holdfast.payment_status])) = (captured_amount > 0)) OR (status = 'quarantined'::holdfast.payment_status) OR ((amount = 0) AND (status = 'captured'::holdfast.payment_status)))),
  constraint payments_amount_check CHECK ((amount >= 0)),
  constraint payments_captured_amount_check CHECK ((captured_amount >= 0)),
  constraint payments_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  constraint payments_email_check CHECK (((length(email) >= 3) AND (length(email) <= 254))),
  constraint payments_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
  constraint quarantine_has_a_reason CHECK (((status = 'quarantined'::holdfast.payment_status) = (quarantine_reason IS NOT NULL)))
) with (fillfactor=70);
CREATE INDEX payments_to_look_at ON holdfast.payments USING btree (next_look_at) WHERE (next_look_at IS NOT NULL);

create table holdfast.price_levels (
  event_no integer not null,
  level_no smallint not null,
  price_level text not null,
  name text not null,
  amount bigint not null,
  color text not null,
  retired boolean not null default false,
  constraint price_levels_pkey PRIMARY KEY (event_no, level_no),
  constraint a_level_has_one_number UNIQUE (event_no, price_level),
  constraint price_levels_amount_check CHECK ((amount >= 0)),
  constraint price_levels_level_no_check CHECK (((level_no >= 0) AND (level_no <= 254))),
  constraint price_levels_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
  constraint price_levels_price_level_check CHECK (((length(price_level) >= 1) AND (length(price_level) <= 200))),
  constraint price_levels_event_no_fkey FOREIGN KEY (event_no) REFERENCES holdfast.events(event_no)
);

create table holdfast.provider_cursors (
  provider text not null,
  read_until timestamp with time zone not null,
  leased_until timestamp with time zone not null default '-infinity'::timestamp with time zone,
  last_compared_at timestamp with time zone,
  constraint provider_cursors_pkey PRIMARY KEY (provider)
);

create table holdfast.users (
  user_id uuid not null,
  email text not null,
  name text not null,
  role text not null,
  password_hash text not null,
  session_version integer not null default 1,
  sessions_changed_at timestamp with time zone,
  created_at timestamp with time zone not null default holdfast.clock(),
  constraint users_pkey PRIMARY KEY (user_id),
  constraint users_email_check CHECK (((char_length(email) >= 3) AND (char_length(email) <= 254))),
  constraint users_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
  constraint users_role_check CHECK ((role = ANY (ARRAY['customer'::text, 'door'::text, 'support'::text, 'finance'::text, 'organizer'::text, 'admin'::text]))),
  constraint users_session_version_check CHECK ((session_version > 0))
);
CREATE INDEX users_admins ON holdfast.users USING btree (user_id) WHERE (role = 'admin'::text);
CREATE UNIQUE INDEX users_email ON holdfast.users USING btree (lower(email));
CREATE INDEX users_sessions_changed ON holdfast.users USING btree (sessions_changed_at) WHERE (sessions_changed_at IS NOT NULL);

create table holdfast.refresh_tokens (
  token_hash bytea not null,
  user_id uuid not null,
  issued_at timestamp with time zone not null default holdfast.clock(),
  expires_at timestamp with time zone not null,
  constraint refresh_tokens_pkey PRIMARY KEY (token_hash),
  constraint refresh_tokens_token_hash_check CHECK ((octet_length(token_hash) = 32)),
  constraint refresh_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES holdfast.users(user_id) ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_user ON holdfast.refresh_tokens USING btree (user_id, expires_at);

create table holdfast.refunds (
  event_no integer not null,
  refund_id uuid not null,
  payment_id uuid not null,
  reason text not null,
  sequence integer not null,
  amount bigint not null,
  currency text not null,
  status holdfast.refund_status not null default 'pending'::holdfast.refund_status,
  provider_ref text,
  requested_by uuid,
  note text,
  attempts integer not null default 0,
  next_attempt_at timestamp with time zone,
  last_error text,
  created_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  revision integer not null default 1,
  constraint refunds_pkey PRIMARY KEY (event_no, refund_id),
  constraint a_reason_refunds_once UNIQUE (event_no, payment_id, reason, sequence),
  constraint refunds_amount_check CHECK ((amount > 0))
);
CREATE INDEX refunds_to_carry_out ON holdfast.refunds USING btree (next_attempt_at) WHERE (next_attempt_at IS NOT NULL);

create table holdfast.reservations (
  event_no integer not null,
  reservation_id uuid not null,
  user_id uuid not null,
  state holdfast.reservation_state not null default 'pending_payment'::holdfast.reservation_state,
  revision integer not null default 1,
  quantity integer not null,
  live_tickets integer not null default 0,
  extensions_left smallint not null,
  initial_extensions_left smallint not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  initial_expires_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  key_hash uuid not null,
  request_hash uuid not null,
  amount bigint not null,
  currency text not null,
  seat_nos integer[] not null default '{}'::integer[],
  seat_levels smallint[] not null default '{}'::smallint[],
  seat_amounts bigint[] not null default '{}'::bigint[],
  area_nos integer[] not null default '{}'::integer[],
  area_quantities integer[] not null default '{}'::integer[],
  area_levels smallint[] not null default '{}'::smallint[],
  area_amounts bigint[] not null default '{}'::bigint[],
  replaces uuid,
  reserved_at timestamp with time zone,
  returned_seat_nos integer[] not null default '{}'::integer[],
  returned_area_quantities integer[] not null default '{}'::integer[],
  constraint reservations_pkey PRIMARY KEY (event_no, reservation_id),
  constraint a_key_makes_one_reservation UNIQUE (event_no, user_id, key_hash),
  constraint only_the_living_have_no_end CHECK (((state = 'pending_payment'::holdfast.reservation_state) = (ended_at IS NULL))),
  constraint reservations_amount_check CHECK ((amount >= 0)),
  constraint reservations_check CHECK ((expires_at > created_at)),
  constraint reservations_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  constraint reservations_extensions_left_check CHECK ((extensions_left >= 0)),
  constraint reservations_live_tickets_check CHECK ((live_tickets >= 0)),
  constraint reservations_quantity_check CHECK ((quantity > 0))
) with (fillfactor=85);
CREATE UNIQUE INDEX one_live_hold_per_user_and_event ON holdfast.reservations USING btree (event_no, user_id) WHERE (state = 'pending_payment'::holdfast.reservation_state);
CREATE INDEX pending_by_end ON holdfast.reservations USING btree (expires_at) WHERE ((state = 'pending_payment'::holdfast.reservation_state) AND (reserved_at IS NULL));
alter table only holdfast.reservations
  alter column request_hash set statistics 0,
  alter column seat_nos set statistics 0,
  alter column seat_levels set statistics 0,
  alter column seat_amounts set statistics 0,
  alter column area_nos set statistics 0,
  alter column area_quantities set statistics 0,
  alter column area_levels set statistics 0,
  alter column area_amounts set statistics 0;

create table holdfast.sale_figures (
  event_id uuid not null,
  minute timestamp with time zone not null,
  holds integer not null default 0,
  places_held integer not null default 0,
  extended integer not null default 0,
  cancelled integer not null default 0,
  places_cancelled integer not null default 0,
  expired integer not null default 0,
  places_expired integer not null default 0,
  sales integer not null default 0,
  places_sold integer not null default 0,
  sold_amount bigint not null default 0,
  declined integer not null default 0,
  refunds integer not null default 0,
  refunded_amount bigint not null default 0,
  constraint sale_figures_pkey PRIMARY KEY (event_id, minute)
) with (fillfactor=50);

CREATE OR REPLACE FUNCTION holdfast.timeline()
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
  select case when pg_is_in_recovery() then null else left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) end
$function$;

create table holdfast.sales_fence (
  only_row boolean not null default true,
  epoch integer not null default 1,
  closed boolean not null default false,
  reason text,
  timeline text default holdfast.timeline(),
  closed_by_history boolean not null default false,
  known_until timestamp with time zone,
  synchronous boolean not null default false,
  system_identifier bigint,
  closed_by_person boolean not null default false,
  restored boolean not null default false,
  constraint sales_fence_pkey PRIMARY KEY (only_row),
  constraint sales_fence_epoch_check CHECK ((epoch > 0)),
  constraint sales_fence_only_row_check CHECK (only_row)
);

create table holdfast.seat_blocks (
  event_no integer not null,
  seat_no integer not null,
  reason text not null,
  constraint seat_blocks_pkey PRIMARY KEY (event_no, seat_no),
  constraint seat_blocks_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 200)))
);

create table holdfast.seat_price_levels (
  event_no integer not null,
  seat_no integer not null,
  level_no smallint not null,
  constraint seat_price_levels_pkey PRIMARY KEY (event_no, seat_no),
  constraint seat_price_levels_seat_no_check CHECK ((seat_no >= 0)),
  constraint seat_price_levels_event_no_level_no_fkey FOREIGN KEY (event_no, level_no) REFERENCES holdfast.price_levels(event_no, level_no)
);

create table holdfast.seats (
  event_no integer not null,
  seat_no integer not null,
  status holdfast.seat_status not null default 'available'::holdfast.seat_status,
  generation integer not null default 0,
  held_until timestamp with time zone,
  reservation_id uuid,
  constraint seats_pkey PRIMARY KEY (event_no, seat_no),
  constraint only_a_hold_has_an_end CHECK (((status = 'held'::holdfast.seat_status) = (held_until IS NOT NULL))),
  constraint taken_seats_have_a_holder CHECK (((status = ANY (ARRAY['held'::holdfast.seat_status, 'reserved'::holdfast.seat_status, 'sold'::holdfast.seat_status])) = (reservation_id IS NOT NULL)))
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0.5);

create table holdfast.tickets (
  event_no integer not null,
  ticket_id uuid not null,
  reservation_id uuid not null,
  user_id uuid not null,
  seat_no integer,
  area_no integer,
  section text,
  "row" text,
  number text,
  area_id text,
  status holdfast.ticket_status not null default 'valid'::holdfast.ticket_status,
  generation integer not null default 1,
  level_no smallint not null,
  amount bigint not null,
  currency text not null,
  holder_name text not null,
  key_number smallint not null,
  signature bytea not null,
  issued_at timestamp with time zone not null,
  voided_at timestamp with time zone,
  void_reason text,
  revision integer not null default 1,
  constraint tickets_pkey PRIMARY KEY (event_no, ticket_id),
  constraint a_ticket_is_for_one_place CHECK (((seat_no IS NULL) <> (area_no IS NULL))),
  constraint only_void_tickets_are_voided CHECK (((status = 'void'::holdfast.ticket_status) = (voided_at IS NOT NULL))),
  constraint tickets_amount_check CHECK ((amount >= 0)),
  constraint tickets_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  constraint tickets_holder_name_check CHECK (((length(holder_name) >= 1) AND (length(holder_name) <= 254))),
  constraint tickets_key_number_check CHECK (((key_number >= 0) AND (key_number <= 255))),
  constraint tickets_signature_check CHECK ((octet_length(signature) = 64))
) with (fillfactor=85);
CREATE UNIQUE INDEX one_live_ticket_per_seat ON holdfast.tickets USING btree (event_no, seat_no) WHERE ((status <> 'void'::holdfast.ticket_status) AND (seat_no IS NOT NULL));
CREATE INDEX tickets_by_reservation ON holdfast.tickets USING btree (event_no, reservation_id);
CREATE INDEX tickets_by_user ON holdfast.tickets USING btree (user_id, ticket_id);

CREATE OR REPLACE FUNCTION holdfast.add_day_partitions(p_table text, p_from date, p_days integer)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION holdfast.adopt_messages()
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION holdfast.end_reservations(p_event integer[], p_id uuid[], p_state holdfast.reservation_state, p_now timestamp with time zone, p_origin uuid, p_area_event integer[] DEFAULT NULL::integer[], p_area_no integer[] DEFAULT NULL::integer[])
 RETURNS TABLE(event_no integer, reservation_id uuid, revision integer, seat_nos integer[], seat_generations integer[])
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION holdfast.expire_due(p_limit integer, p_origin uuid)
 RETURNS integer
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION holdfast.hold_batch(p_origin uuid, p_careful boolean, r_event integer[], r_user uuid[], r_id uuid[], r_key uuid[], r_body uuid[], r_version integer[], r_replaces uuid[], r_probe boolean[], r_quantity integer[], r_limit integer[], r_amount bigint[], r_currency text[], r_hold_seconds integer[], r_extensions smallint[], r_seat_from integer[], r_seat_to integer[], r_area_from integer[], r_area_to integer[], s_request integer[], s_event integer[], s_seat integer[], s_level smallint[], s_amount bigint[], a_request integer[], a_event integer[], a_area integer[], a_quantity integer[], a_level smallint[], a_amount bigint[], OUT judged_at timestamp with time zone, OUT outcomes smallint[], OUT generations integer[], OUT details jsonb)
 RETURNS record
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
 SET lock_timeout TO '500ms'
AS $function$
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
        left join holdfast.sales_gate() f on true
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
  left join holdfast.sales_gate() f on true
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
end $function$;

CREATE OR REPLACE FUNCTION holdfast.sales_gate()
 RETURNS TABLE(epoch integer, closed boolean, reason text)
 LANGUAGE sql
 STABLE
AS $function$
  select f.epoch, f.closed or f.timeline is distinct from holdfast.timeline(), f.reason from holdfast.sales_fence f
$function$;
