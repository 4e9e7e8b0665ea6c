import { assert } from '#kernel/assert.ts'
import { TerminalFault } from '#kernel/faults.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import { advance, formatSnapshot, includesAll, parseSnapshot } from './snapshot.ts'

/**
 * Reads what was committed to a table since the last time, missing nothing.
 *
 * Neither an identity column nor a transaction id is given out in the order of commits: a reader that remembers the highest
 * it saw never sees the transaction that began earlier and committed later. So a cursor remembers the *set* of transactions
 * it has seen, which is what a `pg_snapshot` is, and reads the rows visible now whose transaction was not in that set. The
 * new snapshot comes from the same statement as the rows, because what commits between two statements would be in the
 * snapshot and not among the rows. docs/adr/0007-snapshot-cursor.md has the ways that were rejected.
 *
 * A transaction not in the last snapshot is either at or above its `xmax`, or one of those then open: both are index
 * conditions, so a long-running transaction costs the readers nothing, and a poll that finds nothing reads nothing.
 */

/** Text to keep as it is (a `pg_snapshot`): the transactions whose rows have been read. */
export type Cursor = string & { readonly __cursor: true }

/** Before every row there is. */
export const theBeginning = '1:1:' as Cursor

/** An append-only table that is read by cursor. Names and conditions are SQL of ours, never input. */
export type Source = {
  /** Names the reading of it, for its twin in memory. */
  label: string
  /** With columns `xid xid8 not null default pg_current_xact_id()` and `position int8`, and an index that begins with xid. */
  table: string
  /** Expressions over `o`, the table: `['event_no', 'data']`. `xid` and `position` always come along. */
  columns: readonly string[]
  /** A further condition over `o`; its parameters begin with $4. */
  where?: string
}

export type Read<Row> = {
  /** By transaction, which is neither the order of commits nor that of changes to one thing. Whole transactions only. */
  rows: (Row & { xid: string; position: number })[]
  /** Where to read on. It has moved even when there was nothing, so keep it. */
  cursor: Cursor
  /** Nothing that was committed before this read is left. */
  caughtUp: boolean
}

/**
 * Reads at least `limit` rows if there are as many, then the rest of the last transaction. Use a pool or a transaction that
 * has not written: what a transaction writes after it has read could pass for read.
 *
 * @throws CursorFromElsewhere when the cursor knows transactions that this database does not
 */
export async function readSince<Row extends object>(
  db: Queryable,
  cursor: Cursor,
  source: Source,
  { limit, values = [] }: { limit: number; values?: unknown[] },
): Promise<Read<Row>> {
  assert(limit > 0, 'a read asks for at least one row')
  const last = parseSnapshot(cursor)
  const { rows } = await db.query<ReadRow>({
    label: `read_since_1 ${source.label}`,
    text: readSql(source),
    values: [last.open.map(String), String(last.xmax), limit, ...values],
  })
  const head = rows[0]
  assert(head !== undefined, 'a read tells its snapshot even without rows')
  assert(!head.standby, 'messages are read from the primary: a standby does not know which transactions are open')
  assert(head.own_xid === null, 'messages are read before the reader writes')
  const now = parseSnapshot(head.snapshot)
  if (!includesAll(now, last)) throw new CursorFromElsewhere(cursor, head.snapshot)

  const found = head.xid === null ? [] : rows
  const caughtUp = found.length < limit
  const read = caughtUp ? now : advance(last, now, BigInt(found.at(-1)!.xid!))
  return {
    rows: found as unknown as Read<Row>['rows'],
    cursor: formatSnapshot(read) as Cursor,
    caughtUp,
  }
}

/** The cursor of whoever wants only what is committed from now on. Take it first, then load the state it adds to. */
export async function cursorNow(db: Queryable): Promise<Cursor> {
  const { rows } = await db.query<{ cursor: Cursor; standby: boolean; own_xid: string | null }>({
    label: 'cursor_now_1',
    text: `select pg_current_snapshot()::text as cursor, pg_is_in_recovery() as standby,
       pg_current_xact_id_if_assigned()::text as own_xid`,
  })
  assert(!rows[0]!.standby && rows[0]!.own_xid === null, 'a cursor is taken on the primary, before writing')
  return rows[0]!.cursor
}

/** The database went back in time (a restore), or is another one: state built by following it must be built anew. */
export class CursorFromElsewhere extends TerminalFault {
  constructor(cursor: string, snapshot: string) {
    super(`the cursor ${cursor} knows transactions that this database, at ${snapshot}, does not`)
  }
}

type ReadRow = { snapshot: string; standby: boolean; own_xid: string | null; xid: string | null }

const statements = new WeakMap<Source, string>()

/** `with ties` keeps transactions whole, so that a piece of a backlog can end at a transaction. */
function readSql(source: Source): string {
  const known = statements.get(source)
  if (known !== undefined) return known
  const part = (condition: string) => `
    (select o.xid, o.position, ${source.columns.join(', ')}
     from ${source.table} o
     where ${condition}${source.where === undefined ? '' : ` and (${source.where})`}
     order by o.xid fetch first $3 rows with ties)`
  const text = `
    select s.snapshot::text as snapshot, pg_is_in_recovery() as standby,
      pg_current_xact_id_if_assigned()::text as own_xid, r.*
    from (select pg_current_snapshot() as snapshot) s
    left join (
      select * from (
        ${part('o.xid = any ($1::xid8[])')}
        union all
        ${part('o.xid >= $2::xid8 and o.xid < pg_snapshot_xmax(pg_current_snapshot())')}
      ) either
      order by xid fetch first $3 rows with ties
    ) r on true
    order by r.xid, r.position`
  statements.set(source, text)
  return text
}
