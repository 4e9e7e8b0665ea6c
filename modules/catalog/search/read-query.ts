import type { EventQuery } from '#contracts/catalog.ts'
import { readCursor } from './cursor.ts'
import type { EventSearch } from './list-events.ts'

const dayMs = 24 * 60 * 60 * 1000

/** The search that a query string asks for, or everything that is wrong with it. */
export function readEventQuery(
  query: EventQuery,
): { ok: true; search: EventSearch } | { ok: false; errors: { path: string; message: string }[] } {
  const errors: { path: string; message: string }[] = []
  const time = (path: 'from' | 'to') => {
    const text = query[path]
    if (text === undefined) return null
    const at = readTime(text)
    if (at === null) errors.push({ path, message: 'must be a date or an RFC 3339 time, such as 2027-05-01' })
    // Of a date, the whole day; an instant is meant inclusively too.
    return at !== null && path === 'to' ? at + (isDate(text) ? dayMs : 1) : at
  }
  const [from, to] = [time('from'), time('to')]
  const q = query.q?.trim() || null
  const cursor = query.cursor === undefined ? null : readCursor(query.cursor)
  if (query.cursor !== undefined && (cursor === null || 'offset' in cursor !== (q !== null))) {
    errors.push({ path: 'cursor', message: 'must be the next_cursor of a list with the same filters' })
  }
  for (const path of ['q', 'city'] as const) {
    if (query[path]?.includes('\0')) errors.push({ path, message: 'must not contain U+0000' })
  }
  if (errors.length > 0) return { ok: false, errors }
  const { status = null, limit } = query
  return { ok: true, search: { q, city: query.city?.trim() || null, from, to, status, limit, cursor } }
}

function readTime(text: string): number | null {
  if (!isDate(text) && !/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)$/.test(text)) return null
  const at = Date.parse(text)
  return Number.isNaN(at) || !isDayOfCalendar(text.slice(0, 10)) ? null : at
}

/** `Date.parse` takes the 30th of February for the 2nd of March. */
function isDayOfCalendar(day: string): boolean {
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day)
}

function isDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text)
}
