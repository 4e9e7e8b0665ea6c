import type { Job } from '#platform/jobs/periodic.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { MessageMetrics } from './metrics.ts'

/** Looks at every consumer's place, whichever process serves it: also one that nobody serves shows its lag. */
export function measureLagJob({ db, metrics }: { db: Queryable; metrics: MessageMetrics }): Job {
  return {
    name: 'measure-message-lag',
    everyMs: 10_000,
    async run() {
      const { rows } = await db.query<LagRow>(lagSql)
      for (const { consumer, rows: lagRows, seconds, parked } of rows) {
        metrics.lagRows.set({ consumer }, lagRows)
        metrics.lagSeconds.set({ consumer }, seconds)
        metrics.parked.set({ consumer }, parked)
      }
      return 'dry'
    },
  }
}

type LagRow = { consumer: string; rows: number; seconds: number; parked: number }

/**
 * Rows of types that the consumer does not want count too, until it has read past them. The cursor of one that has nothing to
 * do is written every few seconds, hence a few seconds of lag that is none.
 */
const lagSql = `
  select c.consumer, u.rows, coalesce(greatest(date_part('epoch', holdfast.clock() - u.oldest), 0), 0) as seconds, p.parked
  from holdfast.message_cursors c
  cross join lateral (
    select count(*) as rows, min(o.occurred_at) as oldest
    from (
      (select w.occurred_at from holdfast.outbox w
       where w.xid = any (array(select pg_snapshot_xip(c.snapshot))) limit 100000)
      union all
      (select w.occurred_at from holdfast.outbox w
       where w.xid >= pg_snapshot_xmax(c.snapshot) order by w.xid limit 100000)
    ) o
  ) u
  cross join lateral (
    select count(*) as parked from holdfast.parked_messages m where m.consumer = c.consumer
  ) p`
