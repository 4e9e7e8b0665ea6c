-- The answers that Idempotency-Keys of staff writes are bound to. Written in the transaction of the effect, so that neither
-- exists without the other; reservations carry their key in their own row.
-- Locks: none that matter, everything here is new.

create table holdfast.idempotency (
  -- SHA-256 of user, method, path and key; and of the body, keyed with the key, as bodies may hold a password.
  key_hash bytea primary key check (octet_length(key_hash) = 32),
  request_hash bytea not null check (octet_length(request_hash) = 32),
  status int2 not null check (status between 200 and 299),
  -- json, not jsonb: the answer is repeated with its members in the order in which they were first given.
  headers json not null,
  body json,
  expires_at timestamptz not null
);
create index idempotency_expires on holdfast.idempotency (expires_at);
