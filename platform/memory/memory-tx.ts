import type { Table } from './table.ts'

/** Which rows a statement is about: looked up by key, or found by looking at all. */
export type Selection<Row extends object> = {
  keys?: Iterable<string>
  where?: (row: Row) => boolean
  order?: (a: Row, b: Row) => number
}

/** What one statement sees: all that was committed when it began, and what its own transaction wrote. */
export type View = {
  get<Row extends object>(table: Table<Row>, key: string): Row | undefined
  rows<Row extends object>(table: Table<Row>, selection?: Selection<Row>): Row[]
  /** Which transactions this view shows: those below `xmax` that are not `open`. */
  snapshot(): { xmax: number; open: number[] }
}

/**
 * An open transaction, READ COMMITTED as in PostgreSQL: each statement sees what was committed when it began. One that
 * writes or locks finds its rows in that view, waits for each row that another transaction has changed, and then judges the
 * row as it has become.
 */
export interface MemoryTx {
  /** Rises with every transaction. */
  readonly id: number
  /** The time, read now; the clock given to the database. */
  now(): number
  /** A statement that only looks. `look` must answer at once: nothing else happens meanwhile. */
  read<T>(label: string, look: (view: View) => T): Promise<T>
  /** `for update`: locks the rows to the end of the transaction and returns them as they then are. */
  lock<Row extends object>(
    table: Table<Row>,
    selection: Selection<Row> & { skipLocked?: boolean; limit?: number },
  ): Promise<Row[]>
  update<Row extends object>(table: Table<Row>, selection: Selection<Row> & { set: (row: Row) => Row }): Promise<Row[]>
  /** @returns the rows that went in; with `onConflict: 'nothing'` those that met a unique value are left out */
  insert<Row extends object>(
    table: Table<Row>,
    rows: readonly Row[],
    options?: { onConflict?: 'nothing' },
  ): Promise<Row[]>
  remove<Row extends object>(table: Table<Row>, selection: Selection<Row>): Promise<Row[]>
  next(sequence: string): number
  /** What is written from here on can be undone by calling the answer. Locks stay, where PostgreSQL would let go of some. */
  savepoint(): () => void
}
