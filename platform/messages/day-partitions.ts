import { RetryableFault } from '#kernel/faults.ts'
import type { Job } from '#platform/jobs/periodic.ts'
import type { Database } from '#platform/postgres/database.ts'
import type { Logger } from '#platform/telemetry/logger.ts'

/** Made ahead, so that a job that does not run for days does no harm; after that there is the default partition. */
const daysAhead = 7
const daysKept = 7

/**
 * Keeps the days of the outbox and the inbox. A day of the outbox goes when it is old and every cursor has passed it. The inbox
 * remembers at least as far back as the outbox reaches: what can come again must be known again.
 */
export function dayPartitionsJob({ db, logger }: { db: Database; logger: Logger }): Job {
  return {
    name: 'keep-message-days',
    everyMs: 10 * 60_000,
    async run() {
      for (const table of ['outbox', 'inbox']) await addDays(db, table)
      for (const day of await oldDays(db, 'outbox', `holdfast.clock() - interval '${daysKept} days'`)) {
        if (!(await isPassed(db, day))) break
        await dropDay(db, 'outbox', day, logger)
      }
      await db.query(
        `delete from holdfast.outbox_default o
         where o.occurred_at < holdfast.clock() - interval '${daysKept} days' and ${passed('o.xid')}`,
      )
      for (const day of await oldDays(db, 'inbox', outboxReachesTo)) await dropDay(db, 'inbox', day, logger)
      await db.query(`delete from holdfast.inbox_default where occurred_at < (${outboxReachesTo})`)
      return 'dry'
    },
  }
}

/** Yesterday too: rows that came before the first run are still in the default partition, which should be empty. */
async function addDays(db: Database, table: string): Promise<void> {
  await db.transaction(async tx => {
    await tx.query(`set local lock_timeout = '300ms'`)
    await tx.query(`select holdfast.add_day_partitions($1, (holdfast.clock() at time zone 'UTC')::date - 1, $2)`, [
      table,
      daysAhead + 2,
    ])
  })
}

const dayOf = (name: string) => `to_date(right(${name}, 8), 'YYYYMMDD')::timestamp at time zone 'UTC'`

/** Names of the day partitions that end before a time, oldest first. */
async function oldDays(db: Database, table: string, before: string): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    `select d.name
     from (
       select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent = to_regclass('holdfast.' || $1) and c.relname ~ ('^' || $1 || '_[0-9]{8}$')
     ) d
     where ${dayOf('d.name')} + interval '1 day' <= (${before})
     order by d.name`,
    [table],
  )
  return rows.map(row => row.name)
}

/** Whether every consumer has read all that can be there, that is, whether none was in doubt about it when it last read. */
const passed = (xid: string) =>
  `not exists (select from holdfast.message_cursors c where ${xid} >= pg_snapshot_xmin(c.snapshot))`

async function isPassed(db: Database, day: string): Promise<boolean> {
  const { rows } = await db.query(
    `select from (select o.xid from holdfast.${day} o order by o.xid desc limit 1) newest where not (${passed('newest.xid')})`,
  )
  return rows.length === 0
}

const outboxReachesTo = `
  select least(
    holdfast.clock() - interval '${daysKept} days',
    (select min(${dayOf('c.relname')}) from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'holdfast.outbox'::regclass and c.relname ~ '^outbox_[0-9]{8}$'),
    (select min(occurred_at) from holdfast.outbox_default))`

/**
 * Dropping locks the whole table against everybody, so it must not even wait: what waits makes all holds wait behind it. In a
 * sale it does not succeed, and at night it does.
 */
async function dropDay(db: Database, table: string, day: string, logger: Logger): Promise<void> {
  try {
    await db.transaction(async tx => {
      await tx.query(`lock table holdfast.${table} in access exclusive mode nowait`)
      await tx.query(`drop table holdfast.${day}`)
    })
    logger.info({ partition: day }, 'a day of messages was dropped')
  } catch (error) {
    if (!(error instanceof RetryableFault)) throw error
    logger.debug({ partition: day, err: error }, 'a day of messages is kept for now, its table is in use')
  }
}
