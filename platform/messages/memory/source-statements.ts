import type { MemoryStatements } from '../../memory/statements.ts'
import type { Table } from '../../memory/table.ts'
import { contains, formatSnapshot, type Snapshot } from '../snapshot.ts'

type Logged = { xid: number; position: number }

/**
 * Twins of the two ways to read a table by cursor, for the source of this label. `isWanted` is its condition, with the values that its
 * own parameters have; `toRow` gives its columns.
 */
export function sourceStatements<Row extends Logged & { subject: string | null; revision: number }>(
  label: string,
  source: {
    table: Table<Row>
    isWanted: (row: Row, values: readonly unknown[]) => boolean
    toRow: (row: Row) => object
  },
): MemoryStatements {
  const { table, isWanted, toRow } = source
  const told = (row: Row) => ({ ...toRow(row), xid: String(row.xid), position: row.position })
  return {
    [`read_since_1 ${label}`]: (tx, [open, xmax, limit, ...values]: [string[], string, number, ...unknown[]]) =>
      tx.read(label, view => {
        const now = snapshotOf(view.snapshot())
        const last = { xmax: BigInt(xmax), open: open.map(BigInt) }
        const found = view
          .rows(table, {
            where: row => !contains(last, BigInt(row.xid)) && isWanted(row, values),
            order: byTransaction,
          })
          .filter((row, at, all) => at < limit || row.xid === all[limit - 1]!.xid)
          .map(told)
        const head = { snapshot: formatSnapshot(now), standby: false, own_xid: null }
        return found.length === 0 ? [{ ...head, xid: null }] : found.map(row => ({ ...head, ...row }))
      }),

    // PostgreSQL stops looking where nothing can follow; here everything is looked at.
    [`earlier_revisions_1 ${label}`]: (
      tx,
      [subjects, revisions, beyond, ...rest]: [string[], number[], string, ...unknown[]],
    ) =>
      tx.read(label, view => {
        const below = new Map<string, number>()
        for (const [i, subject] of subjects.entries())
          below.set(subject, Math.max(below.get(subject) ?? 0, revisions[i]!))
        const isEarlier = (row: Row) => {
          const { subject } = toRow(row) as { subject: string | null }
          return subject !== null && row.revision < (below.get(subject) ?? 0)
        }
        const values = rest.slice(0, -1)
        return view
          .rows(table, { where: row => row.xid > Number(beyond) && isWanted(row, values) && isEarlier(row) })
          .map(told)
      }),
  }
}

function byTransaction(a: Logged, b: Logged): number {
  return a.xid - b.xid || a.position - b.position
}

export function snapshotOf({ xmax, open }: { xmax: number; open: readonly number[] }): Snapshot {
  return { xmax: BigInt(xmax), open: open.map(BigInt) }
}
