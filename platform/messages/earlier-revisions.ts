import type { Queryable } from '#platform/postgres/database.ts'
import type { Source } from './snapshot-cursor.ts'

type Change = { xid: string; position: number; subject: string | null; revision: number }

/**
 * What must be told before `rows`, a piece of a backlog that ends at their highest transaction, and lies beyond that end: a
 * change of one of their subjects with a lower revision. It will be read again in its own piece.
 *
 * There are such changes because a transaction gets its id when it first writes, and may then wait for a row that a
 * transaction with a higher id is changing. How far beyond the end must we look? Whoever changed a subject before one of the
 * rows did wrote its outbox row before, with a lower position. So once we have met more transactions than can be open at one
 * time, all of whose positions are higher than ours, the next has a higher id still and cannot have written before: all of
 * those before it would have to have been open at that moment.
 */
export async function earlierRevisions<Row extends Change>(
  db: Queryable,
  source: Source,
  rows: readonly Row[],
  values: unknown[],
): Promise<Row[]> {
  // The first revision has none before it.
  const later = rows.filter(row => row.subject !== null && row.revision > 1)
  if (later.length === 0) return []
  const found = await db.query<Row>({
    label: `earlier_revisions_1 ${source.label}`,
    text: earlierSql(source),
    values: [
      later.map(row => row.subject),
      later.map(row => row.revision),
      rows.at(-1)!.xid,
      ...values,
      Math.max(...later.map(row => row.position)),
    ],
  })
  return found.rows
}

const earlierSql = (source: Source) => `
  select o.xid, o.position, ${source.columns.join(', ')}
  from ${source.table} o
  join (
    select l.subject, max(l.revision) as revision from unnest($1::uuid[], $2::int4[]) l(subject, revision) group by l.subject
  ) later on o.subject = later.subject and o.revision < later.revision
  where o.xid > $3::xid8 and (${source.where})
    and o.xid <= coalesce((
      select w.xid from ${source.table} w
      where w.xid > $3::xid8
      group by w.xid having min(w.position) > $5::int8
      order by w.xid
      offset current_setting('max_connections')::int4 + current_setting('max_prepared_transactions')::int4 limit 1
    ), '18446744073709551615'::xid8)`
