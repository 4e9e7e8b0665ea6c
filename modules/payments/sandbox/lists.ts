import { type Form, formIn, textIn, wholeNumber } from './form.ts'
import { invalid, missing } from './stripe-error.ts'

/** A page of a list, newest first. `rows` are in the order in which they were made. */
export function pageOf<Row extends { id: string; created: number }>(url: string, rows: Row[], query: Form): object {
  const created = formIn(query, 'created') ?? {}
  const bound = (name: string) => wholeNumber(created, name)
  const limit = wholeNumber(query, 'limit') ?? 10
  if (limit < 1 || limit > 100) throw invalid('limit must be between 1 and 100.', { param: 'limit' })
  const newestFirst = rows
    .filter(row => row.created >= (bound('gte') ?? 0) && row.created > (bound('gt') ?? -1))
    .filter(
      row =>
        row.created <= (bound('lte') ?? Number.MAX_SAFE_INTEGER) &&
        row.created < (bound('lt') ?? Number.MAX_SAFE_INTEGER),
    )
    .reverse()
  const after = textIn(query, 'starting_after')
  const start = after === undefined ? 0 : newestFirst.findIndex(row => row.id === after) + 1
  if (after !== undefined && start === 0) throw missing('object', after)
  const data = newestFirst.slice(start, start + limit)
  return { object: 'list', url, has_more: start + limit < newestFirst.length, data }
}
