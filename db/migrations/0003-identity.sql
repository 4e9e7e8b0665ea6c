-- Accounts of customers and staff. Guests have a token and no row.
-- Locks: none that matter, everything here is new.

create table holdfast.users (
  user_id uuid primary key,
  -- Normalised by the writer (NFC, lower case, trimmed).
  email text not null check (char_length(email) between 3 and 254),
  name text not null check (char_length(name) between 1 and 200),
  role text not null check (role in ('customer', 'door', 'support', 'finance', 'organizer', 'admin')),
  -- PHC string: the parameters stand with the hash, so that they can be raised one login at a time.
  password_hash text not null,
  -- Tokens carry the version they were given under; a token of an older one is dead.
  session_version int4 not null default 1 check (session_version > 0),
  sessions_changed_at timestamptz,
  created_at timestamptz not null default holdfast.clock()
);

-- On lower(), not on the column: the address is compared by the database's own idea of case everywhere, or nowhere.
create unique index users_email on holdfast.users (lower(email));

-- Every process asks each second or two whose sessions ended lately; that must not read the accounts of all fans.
create index users_sessions_changed on holdfast.users (sessions_changed_at) where sessions_changed_at is not null;
create index users_admins on holdfast.users (user_id) where role = 'admin';

-- Only the hash is kept: a copy of the table opens no session.
create table holdfast.refresh_tokens (
  token_hash bytea primary key check (octet_length(token_hash) = 32),
  user_id uuid not null references holdfast.users (user_id) on delete cascade,
  issued_at timestamptz not null default holdfast.clock(),
  expires_at timestamptz not null
);
create index refresh_tokens_user on holdfast.refresh_tokens (user_id, expires_at);
