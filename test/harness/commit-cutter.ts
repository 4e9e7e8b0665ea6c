import { after } from 'node:test'
import { wireToPostgres } from './fault-wire.ts'

/**
 * A wire to PostgreSQL that can be cut in the worst moment. Watches for batches of holds on their way to the database:
 *
 *   before    the batch never arrives
 *   after     the batch is committed, and its answer is not delivered
 *
 * Either way the server sees a connection that broke while it was committing, and cannot tell which it was.
 */
export type CommitCutter = {
  /** For DATABASE_URL. */
  url: string
  /** Cuts the next `times` batches. */
  cut(when: 'before' | 'after', times: number): void
  /** How many were cut so far. */
  cuts(): number
}

/** The prepared statement of a batch, named in every message that runs it. */
const batch = Buffer.from('hold_batch')

export async function commitCutter(databaseUrl: string): Promise<CommitCutter> {
  let plan: { when: 'before' | 'after'; times: number } = { when: 'before', times: 0 }
  let cuts = 0
  const wire = await wireToPostgres(databaseUrl)
  wire.watch(bytes => {
    if (plan.times === 0 || !bytes.includes(batch)) return null
    plan.times--
    cuts++
    return plan.when
  })
  after(() => wire.close())
  return {
    url: wire.url,
    cut: (when, times) => {
      plan = { when, times }
    },
    cuts: () => cuts,
  }
}
