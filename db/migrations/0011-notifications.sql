-- Mails to buyers: what is to be sent, and what became of it. Without an address and without a text: both are looked up when the
-- mail is written, so that this table holds nothing personal and a mail says how things are and not how they were.
-- Locks: none that matter, everything here is new.

create type holdfast.mail_state as enum ('queued', 'sent', 'failed', 'skipped');

create table holdfast.mails (
  mail_id uuid primary key,
  -- The message that asks for it, and the template. The inbox of the consumer forgets after some days, this does not.
  dedupe_key text collate "C" not null,
  template text not null,
  event_id uuid not null,
  reservation_id uuid not null,
  -- What the message said and nobody can look up later: the amount of a refund, the end of a hold.
  data jsonb not null,
  -- Value of the Message-ID header. Fixed here, because a mail may be sent twice and must then be recognised.
  message_id_header text not null,
  state holdfast.mail_state not null default 'queued',
  attempts int4 not null default 0,
  -- When to send it. Whoever takes it to send moves this on first, so it is a lease as well.
  next_attempt_at timestamptz,
  last_error text,
  -- Of the message.
  occurred_at timestamptz not null,
  created_at timestamptz not null default holdfast.clock(),
  sent_at timestamptz,
  constraint a_message_asks_for_a_mail_once unique (dedupe_key),
  constraint only_queued_mails_are_attempted check ((state = 'queued') = (next_attempt_at is not null)),
  constraint sent_mails_have_a_time check ((state = 'sent') = (sent_at is not null))
) with (fillfactor = 70);
create index mails_to_send on holdfast.mails (next_attempt_at) where state = 'queued';
create index mails_of_reservation on holdfast.mails (reservation_id, occurred_at);
