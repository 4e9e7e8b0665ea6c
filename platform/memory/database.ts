import { assert } from '#kernel/assert.ts'
import type { Clock } from '#kernel/clock.ts'
import { OutcomeUnknown, RetryableFault } from '#kernel/faults.ts'
import { Committed } from './committed.ts'
import { Contention, type FaultHooks } from './faults.ts'
import { Locks } from './locks.ts'
import type { MemoryTx } from './memory-tx.ts'
import { eventLoopOrder, type Scheduler } from './scheduler.ts'
import type { AnyTable, Table } from './table.ts'
import { OpenTransaction } from './transaction.ts'

/**
 * A transactional database in memory, for simulations and for the twins of stores: tables with primary and unique keys
 * (partial ones too), row locks with waiting and skipping, READ COMMITTED, undo, deadlock detection, lost answers. Time,
 * order and faults come from outside, so that one seed is one run.
 *
 *   open -> committing -> committed | undone      the caller is told
 *                      -> committed | undone      the caller hears OutcomeUnknown
 *   open -> undone                                an error, a deadlock, a cut connection
 */
export type MemoryDatabase = {
  /** A connection of its own for each process, so that one can be cut while others go on. */
  connect(name: string): MemoryConnection
  /** The committed rows, as they are; for checkers and set-up. */
  rows<Row extends object>(table: Table<Row>): Row[]
  /** Everything committed so far; `restore` brings it back. Only while no transaction is open. */
  save(): SavedState
  restore(state: SavedState): void
}

declare const saved: unique symbol
export type SavedState = { readonly [saved]: true }

export type MemoryConnection = {
  /**
   * Runs `work` in a transaction. After a deadlock or a lock that was not available in time it runs again, at most three
   * times, as over PostgreSQL; so `work` must not have effects outside the database.
   *
   * @throws RetryableFault when nothing was done, OutcomeUnknown when the answer to the commit was lost
   */
  transaction<T>(
    name: string,
    work: (tx: MemoryTx) => Promise<T>,
    options?: { /** How long to wait for any one lock. */ lockTimeoutMs?: number },
  ): Promise<T>
  /** Loses the connection: open transactions are undone, those that were committing are unknown to their callers. */
  cut(): void
}

/** What one transaction wrote. `before` is null of a new row, `after` of one that is removed. */
export type Commit = { connection: string; transaction: string; changes: readonly Change[] }
export type Change = { table: AnyTable; before: object | null; after: object | null }

export type MemoryDatabaseOptions = {
  clock: Clock
  scheduler?: Scheduler
  faults?: FaultHooks
  /** Sees each transaction that wrote something, as soon as others see what it wrote. */
  onCommitted?: (commit: Commit) => void
}

const attemptsMax = 3

export function createMemoryDatabase({
  clock,
  scheduler = eventLoopOrder,
  faults,
  onCommitted,
}: MemoryDatabaseOptions): MemoryDatabase {
  let committed = new Committed()
  const locks = new Locks<object>()
  let lastId = 0
  const openEverywhere = new Set<OpenTransaction>()
  /** Ids of those that may still commit. */
  const undecided = new Set<number>()
  const transactions = () => ({ xmax: lastId + 1, open: undecided })

  function connect(connection: string): MemoryConnection {
    const open = new Set<OpenTransaction>()

    async function turnTo(transaction: string, statement: string): Promise<void> {
      await scheduler.turn(`${connection}: ${transaction}: ${statement}`)
      const held = faults?.onStatement?.({ connection, transaction, statement })
      if (held !== undefined) await held
    }

    async function attempt<T>(
      transaction: string,
      work: (tx: MemoryTx) => Promise<T>,
      lockTimeoutMs: number | undefined,
    ): Promise<T> {
      const tx = new OpenTransaction(++lastId, {
        committed: () => committed,
        transactions,
        locks,
        clock,
        turn: statement => turnTo(transaction, statement),
        lockTimeoutMs,
      })
      undecided.add(tx.id)
      open.add(tx)
      openEverywhere.add(tx)
      try {
        const result = await work(tx)
        await commit(tx, transaction)
        return result
      } finally {
        tx.end()
        undecided.delete(tx.id)
        open.delete(tx)
        openEverywhere.delete(tx)
      }
    }

    async function commit(tx: OpenTransaction, transaction: string): Promise<void> {
      const unknown = () => new OutcomeUnknown('the connection was lost while committing')
      if (tx.ended) throw new RetryableFault('the connection of this transaction was lost')
      if (tx.written.size === 0) {
        // Whatever becomes of the commit of one that only looked, it has seen what it saw.
        undecided.delete(tx.id)
        tx.end()
        await scheduler.turn(`${connection}: ${transaction}: hear of it`)
        if (!open.has(tx)) throw new RetryableFault('the connection of this transaction was lost')
        return
      }
      await turnTo(transaction, 'commit')
      if (tx.ended) throw unknown()
      const fate = faults?.onCommit?.({ connection, transaction }) ?? 'commit'
      if (fate === 'abort') throw new RetryableFault('the commit was refused')
      if (fate === 'lose-request') throw unknown()
      const changes = onCommitted && committed.changes(tx.written)
      committed.apply(tx.written)
      undecided.delete(tx.id)
      tx.end()
      if (changes) onCommitted?.({ connection, transaction, changes })
      await scheduler.turn(`${connection}: ${transaction}: hear of the commit`)
      if (fate === 'lose-answer' || !open.has(tx)) throw unknown()
    }

    return {
      async transaction(name, work, { lockTimeoutMs } = {}) {
        for (let count = 1; ; count++) {
          try {
            return await attempt(name, work, lockTimeoutMs)
          } catch (error) {
            if (!(error instanceof Contention) || count === attemptsMax) throw error
          }
        }
      },
      cut() {
        const fault = new RetryableFault('the connection was lost')
        for (const tx of open) {
          tx.cut(fault)
          undecided.delete(tx.id)
          openEverywhere.delete(tx)
        }
        open.clear()
      },
    }
  }

  return {
    connect,
    rows: table => [...committed.rows(table).values()] as never[],
    save() {
      assert(openEverywhere.size === 0, 'a state is saved between transactions')
      return committed.copy() as unknown as SavedState
    },
    restore(state) {
      assert(openEverywhere.size === 0, 'a state is restored between transactions')
      committed = (state as unknown as Committed).copy()
    },
  }
}
