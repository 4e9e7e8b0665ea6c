import type { Clock } from '#kernel/clock.ts'
import { RetryableFault } from '#kernel/faults.ts'
import type { Committed, Written } from './committed.ts'
import { Contention } from './faults.ts'
import type { Locks } from './locks.ts'
import type { MemoryTx, Selection, View } from './memory-tx.ts'
import { type AnyTable, ConstraintViolation, type Table } from './table.ts'
import { primaryKey, rowLock, uniqueValues, valueOfLock } from './unique-values.ts'

export type Surroundings = {
  committed: () => Committed
  /** The next id that a transaction gets, and those that have neither been committed nor undone. */
  transactions: () => { xmax: number; open: ReadonlySet<number> }
  locks: Locks<object>
  clock: Clock
  /** Waits for the scheduler, and lets the fault hooks act. */
  turn: (statement: string) => Promise<void>
  lockTimeoutMs: number | undefined
}

export class OpenTransaction implements MemoryTx {
  readonly id: number
  readonly written: Written = new Map()
  #around: Surroundings
  #ownValues = new Set<string>()
  #ended = false
  #cut: ((fault: Error) => void) | undefined

  constructor(id: number, around: Surroundings) {
    this.id = id
    this.#around = around
  }

  now(): number {
    return this.#around.clock.now()
  }

  async read<T>(label: string, look: (view: View) => T): Promise<T> {
    await this.#turn(`read ${label}`)
    return look({
      get: (table, key) => this.#get(table, key),
      rows: (table, selection) => this.#select(table, selection),
      snapshot: () => this.#snapshot(),
    })
  }

  async lock<Row extends object>(
    table: Table<Row>,
    selection: Selection<Row> & { skipLocked?: boolean; limit?: number },
  ): Promise<Row[]> {
    await this.#turn(`lock ${table.name}`)
    const locked: Row[] = []
    for (const seen of this.#select(table, selection)) {
      if (locked.length === selection.limit) break
      const name = rowLock(table, table.key(seen))
      if (selection.skipLocked) {
        if (!this.#around.locks.tryAcquire(this, name)) continue
      } else await this.#acquire(name)
      const row = this.#recheck(table, table.key(seen), selection)
      if (row !== undefined) locked.push(row)
    }
    return locked
  }

  async update<Row extends object>(
    table: Table<Row>,
    selection: Selection<Row> & { set: (row: Row) => Row },
  ): Promise<Row[]> {
    if (isOfNothing(selection)) return []
    await this.#turn(`update ${table.name}`)
    const changed: Row[] = []
    for (const seen of this.#select(table, selection)) {
      const key = table.key(seen)
      await this.#acquire(rowLock(table, key))
      const row = this.#recheck(table, key, selection)
      if (row === undefined) continue
      changed.push(await this.#put(table, row, selection.set(row)))
    }
    return changed
  }

  async insert<Row extends object>(
    table: Table<Row>,
    rows: readonly Row[],
    { onConflict }: { onConflict?: 'nothing' } = {},
  ): Promise<Row[]> {
    await this.#turn(`insert ${table.name}`)
    const inserted: Row[] = []
    for (const row of rows) {
      const conflict = await this.#claimValues(table, row, undefined)
      if (conflict === undefined) inserted.push(await this.#put(table, undefined, row))
      else if (onConflict !== 'nothing') throw new ConstraintViolation(table.name, conflict)
    }
    return inserted
  }

  async remove<Row extends object>(table: Table<Row>, selection: Selection<Row>): Promise<Row[]> {
    await this.#turn(`remove ${table.name}`)
    const removed: Row[] = []
    for (const seen of this.#select(table, selection)) {
      const key = table.key(seen)
      await this.#acquire(rowLock(table, key))
      const row = this.#recheck(table, key, selection)
      if (row === undefined) continue
      for (const name of uniqueValues(table, row).values()) await this.#acquire(name)
      this.#write(table, key, row, null)
      removed.push(row)
    }
    return removed
  }

  next(sequence: string): number {
    return this.#around.committed().next(sequence)
  }

  savepoint(): () => void {
    const written = new Map([...this.written].map(([table, rows]) => [table, new Map(rows)]))
    const ownValues = new Set(this.#ownValues)
    return () => {
      this.written.clear()
      for (const [table, rows] of written) this.written.set(table, rows)
      this.#ownValues = ownValues
    }
  }

  /** Lets go of everything. What was written counts only if the caller has applied it. */
  end(): void {
    this.#ended = true
    this.#around.locks.releaseAll(this)
  }

  /** The connection is gone: undone, and whoever awaits a lock here is told. */
  cut(fault: Error): void {
    this.end()
    this.#cut?.(fault)
  }

  get ended(): boolean {
    return this.#ended
  }

  async #turn(statement: string): Promise<void> {
    this.#assertOpen()
    await this.#around.turn(statement)
    this.#assertOpen()
  }

  #snapshot(): { xmax: number; open: number[] } {
    const { xmax, open } = this.#around.transactions()
    return { xmax, open: [...open].filter(id => id !== this.id).sort((a, b) => a - b) }
  }

  #assertOpen(): void {
    if (this.#ended) throw new RetryableFault('the connection of this transaction was lost')
  }

  async #acquire(name: string): Promise<void> {
    const { locks, clock, turn, lockTimeoutMs } = this.#around
    if (locks.tryAcquire(this, name)) return
    if (locks.wouldDeadlock(this, name)) throw new Contention('deadlock detected')
    const wait = locks.wait(this, name)
    const givenUp = new AbortController()
    const outcomes = [
      wait.granted.then(() => 'granted' as const),
      new Promise<never>((_, reject) => {
        this.#cut = reject
      }),
    ]
    if (lockTimeoutMs !== undefined)
      outcomes.push(
        clock.sleep(lockTimeoutMs, givenUp.signal).then(
          () => Promise.reject(new Contention('a lock was not available in time')),
          () => new Promise<never>(() => {}),
        ),
      )
    try {
      await Promise.race(outcomes)
    } finally {
      wait.end()
      givenUp.abort()
      this.#cut = undefined
    }
    await turn('go on with a lock')
    this.#assertOpen()
  }

  #get<Row extends object>(table: Table<Row>, key: string): Row | undefined {
    const own = this.written.get(table)?.get(key)
    if (own !== undefined) return (own as Row | null) ?? undefined
    return this.#around.committed().rows(table).get(key) as Row | undefined
  }

  #select<Row extends object>(table: Table<Row>, { keys, where, order }: Selection<Row> = {}): Row[] {
    const found: Row[] = []
    const consider = (row: Row | undefined) => {
      if (row !== undefined && (where === undefined || where(row))) found.push(row)
    }
    if (keys !== undefined) for (const key of keys) consider(this.#get(table, key))
    else {
      const committed = this.#around.committed().rows(table)
      for (const key of committed.keys()) consider(this.#get(table, key))
      for (const [key, row] of this.written.get(table) ?? [])
        if (!committed.has(key)) consider((row as Row | null) ?? undefined)
    }
    return order === undefined ? found : found.sort(order)
  }

  #recheck<Row extends object>(table: Table<Row>, key: string, { where }: Selection<Row>): Row | undefined {
    const row = this.#get(table, key)
    return row !== undefined && (where === undefined || where(row)) ? row : undefined
  }

  async #put<Row extends object>(table: Table<Row>, before: Row | undefined, after: Row): Promise<Row> {
    for (const [check, holds] of Object.entries(table.checks))
      if (!holds(after)) throw new ConstraintViolation(table.name, check)
    if (before !== undefined) {
      const conflict = await this.#claimValues(table, after, before)
      if (conflict !== undefined) throw new ConstraintViolation(table.name, conflict)
    }
    this.#write(table, table.key(after), before, Object.freeze(after))
    return after
  }

  /**
   * Makes the unique values that `row` takes, and those it gives up, ours to the end of the transaction. Returns the name of the
   * index in which another row has the value.
   */
  async #claimValues<Row extends object>(
    table: Table<Row>,
    row: Row,
    before: Row | undefined,
  ): Promise<string | undefined> {
    const { locks } = this.#around
    const given = before === undefined ? new Map<string, string>() : uniqueValues(table, before)
    const wanted = uniqueValues(table, row)
    const acquired: string[] = []
    for (const [index, name] of [...given, ...wanted]) {
      if (given.get(index) === wanted.get(index)) continue
      if (!locks.isHeldBy(this, name)) {
        await this.#acquire(name)
        acquired.push(name)
      }
      if (wanted.get(index) !== name || !this.#belongsToAnother(table, index, name, table.key(row))) continue
      // The row will not be written, so its values are nobody's business any more.
      for (const unused of acquired) locks.release(this, unused)
      return index
    }
    return undefined
  }

  /** Asked only for values that the row does not have yet, so that an owner is always another row. */
  #belongsToAnother(table: AnyTable, index: string, name: string, key: string): boolean {
    if (this.#ownValues.has(name)) return true
    if (index === primaryKey) return this.#get(table, key) !== undefined
    const owner = this.#around.committed().ownerOf(table, index, valueOfLock(table, index, name))
    // An owner that this transaction has rewritten gave the value up, otherwise it would be among its own.
    return owner !== undefined && !(this.written.get(table)?.has(owner) ?? false)
  }

  #write(table: AnyTable, key: string, before: object | undefined, after: object | null): void {
    const changes = this.written.get(table)
    if (changes === undefined) this.written.set(table, new Map([[key, after]]))
    else changes.set(key, after)
    if (before !== undefined) for (const name of uniqueValues(table, before).values()) this.#ownValues.delete(name)
    if (after !== null) for (const name of uniqueValues(table, after).values()) this.#ownValues.add(name)
  }
}

/** PostgreSQL's form of such a statement finds the rows and writes them in one: where none was found, nothing more happens. */
function isOfNothing({ keys }: { keys?: Iterable<string> }): boolean {
  return Array.isArray(keys) && keys.length === 0
}
