-- Payments, what the provider told of them, and refunds. Words and protocol: docs/concepts/paying.md.
-- Locks: none that matter, everything here is new.

create type holdfast.payment_status as enum ('open', 'processing', 'authorized', 'capturing', 'captured', 'cancelled',
  'refund_pending', 'partly_refunded', 'refunded', 'quarantined');

-- One payment a reservation: a second card is another attempt of the same. The provider's client secret is not kept; who needs
-- it asks the provider.
create table holdfast.payments (
  event_no int4 not null,
  payment_id uuid not null,
  reservation_id uuid not null,
  user_id uuid not null,
  provider text not null,
  provider_ref text,
  amount int8 not null check (amount > 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  email text not null check (length(email) between 3 and 254),
  name text not null check (length(name) between 1 and 200),
  status holdfast.payment_status not null default 'open',
  revision int4 not null default 1,
  captured_amount int8 not null default 0 check (captured_amount >= 0),
  -- The money came when the hold had ended.
  late boolean not null default false,
  quarantine_reason text,
  -- Before the first call to create the intent: as long as it is null, nothing can exist at the provider.
  create_sent_at timestamptz,
  -- The provider was away at checkout. Cleared when the intent is there.
  queued_at timestamptz,
  cancel_requested_at timestamptz,
  -- When to ask the provider next; null once nothing is open. Whoever takes it moves it on first, so it is a lease as well.
  next_look_at timestamptz,
  looks int4 not null default 0,
  traceparent text,
  created_at timestamptz not null,
  primary key (event_no, payment_id),
  constraint a_reservation_is_paid_once unique (event_no, reservation_id),
  constraint only_captured_money_is_counted check (
    status in ('captured', 'refund_pending', 'partly_refunded', 'refunded') = (captured_amount > 0) or status = 'quarantined'),
  constraint never_more_than_asked check (captured_amount <= amount or status = 'quarantined'),
  constraint quarantine_has_a_reason check ((status = 'quarantined') = (quarantine_reason is not null))
) with (fillfactor = 70);
create index payments_to_look_at on holdfast.payments (next_look_at) where next_look_at is not null;

-- Unique over all events, and therefore small and of its own.
create table holdfast.payment_refs (
  provider text not null,
  provider_ref text not null,
  event_no int4 not null,
  payment_id uuid not null,
  primary key (provider, provider_ref)
);

-- Each card that was declined. A decline leaves the payment open.
create table holdfast.payment_attempts (
  event_no int4 not null,
  payment_id uuid not null,
  attempt_ref text not null,
  code text not null,
  decline_code text,
  seen_at timestamptz not null,
  primary key (event_no, payment_id, attempt_ref)
);

-- The inbox: what the provider told, once each, kept for ever. Only what settling needs is stored: no card, no secret.
create type holdfast.payment_event_state as enum ('stored', 'settled', 'ignored', 'quarantined');
create table holdfast.payment_events (
  provider text not null,
  provider_event_id text not null,
  type text not null,
  created_at timestamptz not null,
  received_at timestamptz not null default holdfast.clock(),
  -- 'webhook', or 'list' for what was fetched because no webhook came.
  source text not null,
  told jsonb not null,
  state holdfast.payment_event_state not null default 'stored',
  event_no int4,
  payment_id uuid,
  reason text,
  attempts int4 not null default 0,
  next_attempt_at timestamptz not null default '-infinity',
  settled_at timestamptz,
  primary key (provider, provider_event_id),
  constraint quarantine_says_why check (state <> 'quarantined' or reason is not null)
) with (fillfactor = 70);
create index payment_events_to_settle on holdfast.payment_events (next_attempt_at) where state = 'stored';

-- How far the provider's list of events has been read.
create table holdfast.provider_cursors (
  provider text primary key,
  read_until timestamptz not null,
  leased_until timestamptz not null default '-infinity',
  last_compared_at timestamptz
);

create type holdfast.refund_status as enum ('pending', 'succeeded', 'failed');

-- Money that goes back. The row is the decision, made once; carrying it out may take several calls, all with its id as key.
create table holdfast.refunds (
  event_no int4 not null,
  refund_id uuid not null,
  payment_id uuid not null,
  reason text not null,
  sequence int4 not null,
  amount int8 not null check (amount > 0),
  currency text not null,
  status holdfast.refund_status not null default 'pending',
  provider_ref text,
  requested_by uuid,
  note text,
  attempts int4 not null default 0,
  next_attempt_at timestamptz,
  last_error text,
  created_at timestamptz not null,
  ended_at timestamptz,
  revision int4 not null default 1,
  primary key (event_no, refund_id),
  constraint a_reason_refunds_once unique (event_no, payment_id, reason, sequence)
);
create index refunds_to_carry_out on holdfast.refunds (next_attempt_at) where next_attempt_at is not null;
