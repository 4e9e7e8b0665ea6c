import { assert } from '#kernel/assert.ts'
import type { AnyTable } from './table.ts'

export type Rows = Map<string, object>
/** What a transaction wrote, by primary key; null where it removed the row. */
export type Written = Map<AnyTable, Map<string, object | null>>

/** What has been committed: the rows of each table, and who owns each value of its unique indexes. */
export class Committed {
  #tables = new Map<AnyTable, { rows: Rows; owners: Map<string, Map<string, string>> }>()
  #sequences = new Map<string, number>()

  rows(table: AnyTable): ReadonlyMap<string, object> {
    return this.#stored(table).rows
  }

  ownerOf(table: AnyTable, index: string, value: string): string | undefined {
    return this.#stored(table).owners.get(index)!.get(value)
  }

  /** The next number. As everywhere, a transaction that is undone does not give it back. */
  next(sequence: string): number {
    const number = (this.#sequences.get(sequence) ?? 0) + 1
    this.#sequences.set(sequence, number)
    return number
  }

  /** What these would change, as it is before they are applied. */
  changes(written: Written): { table: AnyTable; before: object | null; after: object | null }[] {
    return [...written].flatMap(([table, rows]) => {
      const { rows: known } = this.#stored(table)
      return [...rows].map(([key, after]) => ({ table, before: known.get(key) ?? null, after }))
    })
  }

  apply(written: Written): void {
    for (const [table, changes] of written) {
      const { rows, owners } = this.#stored(table)
      for (const key of changes.keys()) {
        const before = rows.get(key)
        if (before !== undefined) forEachValue(table, before, (index, value) => owners.get(index)!.delete(value))
      }
      for (const [key, row] of changes) {
        if (row === null) rows.delete(key)
        else {
          rows.set(key, row)
          forEachValue(table, row, (index, value) => {
            assert(!owners.get(index)!.has(value), 'two committed rows never share a unique value')
            owners.get(index)!.set(value, key)
          })
        }
      }
    }
  }

  /** A copy that further commits do not reach. Rows are shared: nobody changes them. */
  copy(): Committed {
    const copy = new Committed()
    for (const [table, { rows, owners }] of this.#tables)
      copy.#tables.set(table, {
        rows: new Map(rows),
        owners: new Map([...owners].map(([index, values]) => [index, new Map(values)])),
      })
    copy.#sequences = new Map(this.#sequences)
    return copy
  }

  #stored(table: AnyTable) {
    let stored = this.#tables.get(table)
    if (stored === undefined) {
      stored = { rows: new Map(), owners: new Map(Object.keys(table.unique).map(index => [index, new Map()])) }
      this.#tables.set(table, stored)
    }
    return stored
  }
}

function forEachValue(table: AnyTable, row: object, visit: (index: string, value: string) => void): void {
  for (const [index, valueIn] of Object.entries(table.unique)) {
    const value = valueIn(row)
    if (value !== null) visit(index, value)
  }
}
