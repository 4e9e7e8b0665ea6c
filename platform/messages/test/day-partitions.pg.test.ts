import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { dayPartitionsJob } from '../day-partitions.ts'
import {
  change,
  depsFor,
  drain,
  effectsConsumer,
  effectsOf,
  effectsTable,
  newThing,
  openTransaction,
} from './things.ts'

const { db, url, advance } = await testDatabase()
await db.query(effectsTable)
const dayMs = 86_400_000
const quiet = { info: () => {}, debug: () => {} } as never
const keepDays = () => dayPartitionsJob({ db, logger: quiet }).run(new AbortController().signal)
const consumer = effectsConsumer('reader')

test('days are made ahead, and what came before them is moved out of the default partition', async () => {
  const thing = newThing()
  await change(db, thing, 1)
  assert.equal(await count('holdfast.outbox_default'), 1)
  await keepDays()
  assert.equal(await count('holdfast.outbox_default'), 0)
  assert.equal(await count('holdfast.outbox'), 1)
  assert.deepEqual([(await days('outbox')).length, (await days('inbox')).length], [9, 9])
  await drain(consumer, depsFor(db))
  assert.deepEqual(await effectsOf(db, 'reader'), [`${thing}.1.ThingChanged`])
  await keepDays()
  assert.equal((await days('outbox')).length, 9)
})

test('a day that is made has no more statistics than its table', async () => {
  await keepDays()
  const { rows } = await db.query<{ day: string; without: string }>(
    `select c.relname as day, string_agg(a.attname, ' ' order by a.attnum) as without
     from pg_attribute a join pg_class c on c.oid = a.attrelid
     where a.attstattarget = 0 and a.attnum > 0 and c.relname like 'outbox%' group by 1`,
  )
  assert.equal(rows.length, 1 + 1 + (await days('outbox')).length, 'the table, its default and its days')
  assert.deepEqual([...new Set(rows.map(row => row.without))], ['seat_nos seat_generations data'])
})

test('a day is kept while a cursor has not passed it, and its inbox with it', async () => {
  await change(db, newThing(), 1)
  await advance(9 * dayMs)
  const before = await days('outbox')
  await keepDays()
  // Yesterday's, which was made for the rows before the first run, was empty; today's has a row that nobody has read.
  assert.deepEqual(
    (await days('outbox')).filter(day => before.includes(day)),
    before.slice(1),
  )
  assert((await days('inbox')).some(day => day.slice(-8) === before[1]!.slice(-8)))

  // Transaction ids are the cluster's: one that another file's database has open keeps the cursor before this day for so long.
  for (let turns = 0; turns < 500 && (await days('outbox')).includes(before[1]!); turns++) {
    await drain(consumer, depsFor(db))
    await keepDays()
  }
  assert(!(await days('outbox')).includes(before[1]!))
  assert(!(await days('inbox')).some(day => day.slice(-8) === before[1]!.slice(-8)))
  assert.equal((await effectsOf(db, 'reader')).length, 2)
})

test('a day is not dropped while somebody writes, and writers do not wait for it', async () => {
  await keepDays()
  await drain(consumer, depsFor(db))
  await advance(6 * dayMs)
  await keepDays()
  await advance(3 * dayMs)
  const before = await days('outbox')
  const writer = await openTransaction(url)
  await change(writer, newThing(), 1)
  await keepDays()
  assert.deepEqual((await days('outbox')).slice(0, before.length), before)
  await change(db, newThing(), 1)
  await writer.query('commit')
  await writer.end()
  await drain(consumer, depsFor(db))
  await keepDays()
  assert((await days('outbox'))[0]! > before[0]!)
})

test('what still came to the default partition goes when it is old and read', async () => {
  await db.query(
    `insert into holdfast.outbox (occurred_at, event_no, type, subject, revision)
     values ('2020-01-01', 1, 'ThingChanged', gen_random_uuid(), 1)`,
  )
  await keepDays()
  assert.equal(await count('holdfast.outbox_default'), 1)
  await db.query(`delete from holdfast.message_cursors`)
  await keepDays()
  assert.equal(await count('holdfast.outbox_default'), 0)
})

async function days(table: string): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_inherits i on i.inhrelid = c.oid
     where i.inhparent = to_regclass('holdfast.' || $1) and c.relname ~ '[0-9]{8}$' order by 1`,
    [table],
  )
  return rows.map(row => row.name)
}

async function count(table: string): Promise<number> {
  const { rows } = await db.query<{ n: number }>(`select count(*) as n from ${table}`)
  return rows[0]!.n
}
