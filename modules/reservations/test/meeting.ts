import { after } from 'node:test'
import pg from 'pg'
import { assert } from '#kernel/assert.ts'
import type { PostgresStand } from './stand.ts'

/**
 * A third connection whose open transaction others run into. A test locks rows through it, starts what shall wait, waits until
 * that many do, and lets go: no sleeping, and both orders can be had.
 */
export type Meeting = {
  /** Runs a statement in the open transaction; the first one opens it. */
  query(text: string, values?: unknown[]): Promise<pg.QueryResult>
  /** How many others wait for a lock. */
  waiting(): Promise<number>
  /** True once `count` others wait for a lock, false if `ended` ends before. */
  untilWaiting(count: number, ended?: Promise<unknown>): Promise<boolean>
  commit(): Promise<void>
  rollback(): Promise<void>
}

export async function meetingAt(stand: PostgresStand): Promise<Meeting> {
  const [holder, observer] = [await connect(stand), await connect(stand)]
  let isOpen = false
  const end = (how: 'commit' | 'rollback') => async () => {
    isOpen = false
    await holder.query(how)
  }
  const waiting = async () => {
    const { rows } = await observer.query(`select count(*)::int4 as waiting from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`)
    return rows[0].waiting as number
  }
  return {
    waiting,
    async query(text, values) {
      if (!isOpen) await holder.query('begin')
      isOpen = true
      return holder.query(text, values)
    },
    async untilWaiting(count, ended) {
      let hasEnded = false
      const noteEnd = () => {
        hasEnded = true
      }
      ended?.then(noteEnd, noteEnd)
      // Some 0.3 ms a look: what is started a moment before has long begun to wait.
      for (let looks = 0; looks < 5000 && !hasEnded; looks++) if ((await waiting()) >= count) return true
      assert(hasEnded, `${count} wait for a lock`)
      return false
    },
    commit: end('commit'),
    rollback: end('rollback'),
  }
}

async function connect(stand: PostgresStand): Promise<pg.Client> {
  const client = new pg.Client(stand.database.url)
  await client.connect()
  // The database goes first, and takes the connection with it.
  client.on('error', () => {})
  after(() => client.end())
  return client
}
