import type { Database, Queryable } from '#platform/postgres/database.ts'
import type { Event } from '../events/event.ts'
import { type EventStatus, statusAt, untilStatusChanges } from '../events/event-status.ts'
import { asEvent, type EventRow, eventColumns, eventTables } from '../events/select-events.ts'
import { type Cursor, writeCursor } from './cursor.ts'

export interface EventSearch {
  /** Words; null lists everything. */
  q: string | null
  city: string | null
  /** Milliseconds since 1970; `to` is excluded. */
  from: number | null
  to: number | null
  status: EventStatus | null
  limit: number
  cursor: Cursor | null
}

export interface EventPage {
  items: { event: Event; status: EventStatus }[]
  nextCursor: string | null
  /** Milliseconds until one of these changes its status by itself. */
  untilChange: number | null
}

/**
 * Events that are not drafts. Without words, by start. With words, those that have all of them (as beginnings), best first;
 * only if there are none, those that look alike: somebody who types correctly should not get near misses.
 */
export async function listEvents(db: Database, search: EventSearch): Promise<EventPage> {
  if (search.q === null) return listByStart(db, search)
  const cursor = search.cursor && 'offset' in search.cursor ? search.cursor : { offset: 0, approximate: false }
  if (!cursor.approximate) {
    const page = await listByWords(db, search, cursor.offset)
    if (page.items.length > 0 || cursor.offset > 0) return page
  }
  return listBySimilarity(db, search, cursor.offset)
}

const filters = `
  e.status <> 'draft'
  and ($1::text is null or holdfast.fold(v.city) = holdfast.fold($1))
  and ($2::timestamptz is null or e.starts_at >= $2)
  and ($3::timestamptz is null or e.starts_at < $3)
  and ($4::text is null
    or $4 = case when e.status = 'scheduled' and e.onsale_at <= c.now then 'onsale' else e.status::text end)`

function filterValues({ city, from, to, status }: EventSearch): unknown[] {
  const time = (at: number | null) => (at === null ? null : new Date(at).toISOString())
  return [city, time(from), time(to), status]
}

async function listByStart(db: Queryable, search: EventSearch): Promise<EventPage> {
  const after = search.cursor && 'startsAt' in search.cursor ? search.cursor : null
  const { rows } = await db.query<EventRow>(
    `select ${eventColumns} ${eventTables}
     where ${filters} and ($5::timestamptz is null or (e.starts_at, e.event_no) > ($5, $6::int4))
     order by e.starts_at, e.event_no
     limit $7`,
    [...filterValues(search), after && new Date(after.startsAt).toISOString(), after?.eventNo, search.limit + 1],
  )
  return pageOf(rows, search.limit, last => ({ startsAt: last.starts_at, eventNo: last.event_no }))
}

async function listByWords(db: Queryable, search: EventSearch, offset: number): Promise<EventPage> {
  const { rows } = await db.query<EventRow>(
    `select ${eventColumns} ${eventTables}
     cross join (
       select string_agg(quote_literal(word) || ':*', ' & ')::tsquery as words
       from regexp_split_to_table(holdfast.fold($5), '[^[:alnum:]]+') word
       where word <> ''
     ) q
     where ${filters} and e.search @@ q.words
     order by ts_rank(e.search, q.words) desc, e.starts_at, e.event_no
     limit $6 offset $7`,
    [...filterValues(search), search.q, search.limit + 1, offset],
  )
  return pageOf(rows, search.limit, () => ({ offset: offset + search.limit, approximate: false }))
}

/**
 * One wrong letter in a short word leaves about 0.4 of its trigrams, less than the default threshold lets through. The
 * threshold is a setting, so it is set for one transaction, which also works behind a transaction-mode pooler. Trigrams know
 * only the letters of the database's C library locale: with the embedded server that is the Latin alphabet, and errors in other
 * scripts are not forgiven.
 */
async function listBySimilarity(db: Database, search: EventSearch, offset: number): Promise<EventPage> {
  const rows = await db.transaction(async tx => {
    await tx.query(`select set_config('pg_trgm.word_similarity_threshold', '0.4', true)`)
    const found = await tx.query<EventRow>(
      `select ${eventColumns} ${eventTables}
       where ${filters} and e.search_words operator(public.%>) holdfast.fold($5)
       order by public.word_similarity(holdfast.fold($5), e.search_words) desc, e.starts_at, e.event_no
       limit $6 offset $7`,
      [...filterValues(search), search.q, search.limit + 1, offset],
    )
    return found.rows
  })
  return pageOf(rows, search.limit, () => ({ offset: offset + search.limit, approximate: true }))
}

/** One row more than asked tells whether there is a next page. */
function pageOf(rows: EventRow[], limit: number, cursorAfter: (last: EventRow) => Cursor): EventPage {
  const shown = rows.slice(0, limit)
  const items = shown.map(row => {
    const event = asEvent(row)
    return { event, status: statusAt(event, row.read_at) }
  })
  const changes = shown.map(row => untilStatusChanges({ status: row.status, onsaleAt: row.onsale_at }, row.read_at))
  return {
    items,
    nextCursor: rows.length > limit ? writeCursor(cursorAfter(shown.at(-1)!)) : null,
    untilChange: changes.reduce((least, ms) => (ms === null ? least : Math.min(least ?? ms, ms)), null),
  }
}
