-- Venues, seat maps, events and what their seats cost; search.
-- Locks: none that matter, everything here is new.
--
-- pg_trgm and unaccent are trusted extensions: the owner of the database may create them. Where they exist already, they
-- must be in schema public, because the statements name it.

create extension if not exists pg_trgm with schema public;
create extension if not exists unaccent with schema public;

-- Text as it is searched: without accents and case. unaccent() is only stable because its dictionary can be replaced; we
-- never do, so that this may be called immutable and used in generated columns and indexes.
create function holdfast.fold(given text) returns text
  language sql immutable strict parallel safe
  return lower(public.unaccent('public.unaccent'::regdictionary, normalize(given, nfkc)));

create table holdfast.venues (
  venue_id uuid primary key,
  name text not null check (length(name) between 1 and 200),
  city text not null check (length(city) between 1 and 200),
  country text not null check (country ~ '^[A-Z]{2}$'),
  timezone text not null,
  created_at timestamptz not null default holdfast.clock()
);

-- Written once, never changed: what is sold refers to seats by their place in it. `geometry` is the compiled map
-- (modules/catalog/seat-map/artefact.ts), brotli-compressed, named by the SHA-256 of its uncompressed text.
create table holdfast.seatmaps (
  seatmap_id uuid primary key,
  venue_id uuid not null references holdfast.venues,
  version int4 not null check (version > 0),
  name text not null,
  seat_count int4 not null check (seat_count between 0 and 100000),
  area_count int4 not null check (area_count >= 0),
  geometry_hash bytea not null check (length(geometry_hash) = 32),
  geometry bytea not null,
  created_at timestamptz not null default holdfast.clock(),
  constraint one_seatmap_per_venue_and_version unique (venue_id, version),
  constraint something_can_be_sold check (seat_count > 0 or area_count > 0)
);
alter table holdfast.seatmaps alter column geometry set storage external;

create type holdfast.event_status as enum ('draft', 'scheduled', 'onsale', 'paused', 'ended', 'cancelled');

create table holdfast.events (
  event_no int4 generated always as identity primary key,
  event_id uuid not null unique,
  venue_id uuid not null references holdfast.venues,
  seatmap_id uuid not null references holdfast.seatmaps,
  -- Counts every change; the batch that holds seats refuses a request that was judged by another version.
  version int4 not null default 1 check (version > 0),
  -- Counts changes of the seats' price levels: it names the geometry that browsers and caches keep for ever.
  seatmap_version int4 not null default 1 check (seatmap_version > 0),
  -- As decided by staff. A scheduled event is on sale from onsale_at on, by holdfast.clock(); no job flips it.
  status holdfast.event_status not null default 'draft',
  slug text not null,
  name text not null check (length(name) between 1 and 200),
  artist text,
  description text,
  image_url text,
  starts_at timestamptz not null,
  doors_at timestamptz,
  onsale_at timestamptz,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  ticket_limit int4 not null check (ticket_limit > 0),
  hold_policy jsonb not null,
  late_payment text not null check (late_payment in ('reclaim', 'refund')),
  -- Name and city of the venue, for search. Venues do not change.
  place text not null,
  created_at timestamptz not null default holdfast.clock(),
  changed_at timestamptz not null default holdfast.clock(),
  search_words text not null generated always as (
    holdfast.fold(name || ' ' || coalesce(artist, '') || ' ' || place)
  ) stored,
  search tsvector not null generated always as (
    setweight(to_tsvector('simple'::regconfig, holdfast.fold(name || ' ' || coalesce(artist, ''))), 'A')
    || setweight(to_tsvector('simple'::regconfig, holdfast.fold(place)), 'B')
    || setweight(to_tsvector('simple'::regconfig, holdfast.fold(coalesce(description, ''))), 'D')
  ) stored,
  constraint a_slug_names_one_event unique (slug),
  constraint a_slug_is_never_an_id check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 100),
  constraint a_scheduled_event_has_a_time check (status <> 'scheduled' or onsale_at is not null)
);
create index events_by_start on holdfast.events (starts_at, event_no) where status <> 'draft';
create index events_by_search on holdfast.events using gin (search);
create index events_by_similarity on holdfast.events using gin (search_words public.gin_trgm_ops);

-- What a seat can cost. Reservations keep `level_no`, so a number is never given to another level: a level that is no longer
-- offered stays, retired.
create table holdfast.price_levels (
  event_no int4 not null references holdfast.events,
  level_no int2 not null check (level_no between 0 and 254),
  price_level text not null check (length(price_level) between 1 and 200),
  name text not null check (length(name) between 1 and 200),
  amount int8 not null check (amount >= 0),
  color text not null,
  retired boolean not null default false,
  primary key (event_no, level_no),
  constraint a_level_has_one_number unique (event_no, price_level)
);

-- Seats that cost something else in this event than the plan says. Sparse: most events have none.
create table holdfast.seat_price_levels (
  event_no int4 not null,
  seat_no int4 not null check (seat_no >= 0),
  level_no int2 not null,
  primary key (event_no, seat_no),
  foreign key (event_no, level_no) references holdfast.price_levels
);
