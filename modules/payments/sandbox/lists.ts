import { type Form, formIn, textIn, wholeNumber } from './form.ts'
import { invalid, missing } from './stripe-error.ts'

/** A page of a list, newest first. `rows` are in the order in which they were made. */
export function pageOf<Row extends { id: string; created: number }>(
  url: string,
  rows: readonly Row[],
  query: Form,
): object {
  const limit = wholeNumber(query, 'limit') ?? 10
  if (limit < 1 || limit > 100) throw invalid('limit must be between 1 and 100.', { param: 'limit' })
  const created = formIn(query, 'created') ?? {}
  const least = Math.max(wholeNumber(created, 'gte') ?? 0, (wholeNumber(created, 'gt') ?? -1) + 1)
  const most = Math.min(
    wholeNumber(created, 'lte') ?? Number.MAX_SAFE_INTEGER,
    (wholeNumber(created, 'lt') ?? Number.MAX_SAFE_INTEGER) - 1,
  )
  const isAsked = (row: Row) => row.created >= least && row.created <= most
  const after = textIn(query, 'starting_after')
  const start = after === undefined ? rows.length : rows.findLastIndex(row => row.id === after && isAsked(row))
  if (start === -1) throw missing('object', after!)
  const data: Row[] = []
  for (let at = start - 1; at >= 0 && data.length <= limit; at--) if (isAsked(rows[at]!)) data.push(rows[at]!)
  return { object: 'list', url, has_more: data.length > limit, data: data.slice(0, limit) }
}
