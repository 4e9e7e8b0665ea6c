/**
 * The shape of one table: how its rows are named and what must hold for them. Rows are plain objects that nobody changes:
 * a write puts another in their place.
 */
export type Table<Row extends object> = {
  readonly name: string
  /** The primary key as text. Composite keys join their parts. */
  readonly key: (row: Row) => string
  /** Unique indexes by name: the value a row has in it, or null where the index (a partial one) leaves it out. */
  readonly unique: Readonly<Record<string, (row: Row) => string | null>>
  /** Check constraints by name. */
  readonly checks: Readonly<Record<string, (row: Row) => boolean>>
}

// A database keeps tables of all kinds of rows side by side; each statement knows the kind of its own.
// biome-ignore lint/suspicious/noExplicitAny: rows are only ever read through the table that wrote them
export type AnyTable = Table<any>

export function defineTable<Row extends object>(definition: {
  name: string
  key: (row: Row) => string
  unique?: Record<string, (row: Row) => string | null>
  checks?: Record<string, (row: Row) => boolean>
}): Table<Row> {
  return { unique: {}, checks: {}, ...definition }
}

/** A constraint stopped a write. The last wall: code that expects one is rare, code that meets one has a bug. */
export class ConstraintViolation extends Error {
  override name = 'ConstraintViolation'
  readonly constraint: string
  constructor(table: string, constraint: string) {
    super(`a row of ${table} breaks ${constraint}`)
    this.constraint = constraint
  }
}
