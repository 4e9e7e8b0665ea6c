import { RetryableFault } from '#kernel/faults.ts'

/** Two waited for each other, or one waited too long. The transaction was undone and may run again. */
export class Contention extends RetryableFault {}

/**
 * What becomes of a transaction that wants to commit:
 * - `commit`  it commits
 * - `abort`   it is undone and the caller told so
 * - `lose-request`  it is undone, the caller never hears
 * - `lose-answer`   it commits, the caller never hears
 */
export type CommitFate = 'commit' | 'abort' | 'lose-request' | 'lose-answer'

/** Where a simulation hurts the database. Each hook sees who does what, by the names given to `connect` and `transaction`. */
export type FaultHooks = {
  /** Called before each statement, and before the commit of what was written, which waits for what it returns; what it throws undoes the transaction. */
  onStatement?(at: { connection: string; transaction: string; statement: string }): Promise<void> | void
  onCommit?(at: { connection: string; transaction: string }): CommitFate
}
