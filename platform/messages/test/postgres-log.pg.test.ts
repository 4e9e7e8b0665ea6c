import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '#kernel/test/manual-clock.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { setCursor } from '../consumer-place.ts'
import { postgresLog } from '../postgres-log.ts'
import { cursorNow, readSince, type Source, theBeginning } from '../snapshot-cursor.ts'
import { tailMessages } from '../tail.ts'
import {
  change,
  depsFor,
  drain,
  effectsConsumer,
  effectsOf,
  effectsTable,
  newThing,
  openTransaction,
  things,
} from './things.ts'

const { db, url } = await testDatabase()
await db.query(effectsTable)
const log = postgresLog({ db, expansions: [things] })

/** Revision 2 by a transaction with a lower id than the one that made revision 1: it began first and waited. */
async function changeTwiceAgainstTheIds(thing: string): Promise<void> {
  const second = await openTransaction(url)
  await second.query('select pg_current_xact_id()')
  await change(db, thing, 1)
  await change(second, thing, 2)
  await second.query('commit')
  await second.end()
}

test('changes of one subject come in the order of its revisions, whatever the ids of their transactions', async () => {
  const start = await cursorNow(db)
  const thing = newThing()
  await changeTwiceAgainstTheIds(thing)
  const { messages } = await log.read(start, { limit: 100 })
  assert.deepEqual(
    messages.map(message => message.revision),
    [1, 2],
  )
})

test('also where the piece of a backlog ends between the two', async () => {
  const start = await cursorNow(db)
  const thing = newThing()
  await changeTwiceAgainstTheIds(thing)
  const first = await log.read(start, { limit: 1 })
  assert(!first.caughtUp)
  assert.deepEqual(
    first.messages.map(message => message.revision),
    [1, 2],
  )
  // It is read again where it stands, and inboxes know it.
  const again = await log.read(first.cursor, { limit: 1 })
  assert.deepEqual(
    again.messages.map(message => message.revision),
    [1],
  )
  // The negative control: the rows alone come the wrong way round.
  const source: Source = { label: 'outbox', table: 'holdfast.outbox', columns: ['o.revision'] }
  const rows = await readSince<{ revision: number }>(db, start, source, { limit: 1 })
  assert.deepEqual(
    rows.rows.map(row => row.revision),
    [2],
  )
})

test('the same rows become the same messages each time', async () => {
  await change(db, newThing(), 1, { parts: 3 })
  const once = await log.read(theBeginning, { limit: 1000 })
  const twice = await log.read(theBeginning, { limit: 1000 })
  assert.deepEqual(once.messages, twice.messages)
  assert.equal(new Set(once.messages.map(message => message.id)).size, once.messages.length)
})

test('only the types asked for are told', async () => {
  const start = await log.now()
  await change(db, newThing(), 1, { parts: 2 })
  const { messages, caughtUp } = await log.read(start, { limit: 100, types: ['PartChanged'] })
  assert.deepEqual(
    messages.map(message => message.type),
    ['PartChanged', 'PartChanged'],
  )
  assert(caughtUp)
  assert.deepEqual((await log.read(start, { limit: 100, types: ['Unheard'] })).messages, [])
})

test('whoever looks on gets what was there, then what is committed', async () => {
  const clock = manualClock()
  const start = await log.now()
  const [first, second] = [newThing(), newThing()]
  await change(db, first, 1)
  const told = tailMessages({ log, clock }, { from: start, follow: true })
  assert.equal((await told.next()).value?.subject, first)
  const next = told.next()
  await change(db, second, 1)
  let seen: string | undefined
  next.then(({ value }) => {
    seen = value?.subject
  })
  while (seen === undefined) {
    clock.advance(250)
    await log.now()
  }
  assert.equal(seen, second)
  await told.return()

  const ended = []
  for await (const message of tailMessages({ log, clock }, { from: start, follow: false })) ended.push(message.subject)
  assert.deepEqual(ended.sort(), [first, second].sort())
})

test('after a move to another cluster every message that is still there comes again, and none has a second effect', async () => {
  const consumer = effectsConsumer('moved')
  for (let i = 0; i < 5; i++) await change(db, newThing(), 1)
  await drain(consumer, depsFor(db))
  const before = await effectsOf(db, 'moved')

  // As a dump would be loaded: cursors and rows speak of ids that this cluster will not reach for long.
  const missed = newThing()
  await change(db, missed, 1)
  await db.query(`update holdfast.outbox set xid = (xid::text::int8 + 1000000000)::text::xid8`)
  await db.query(`update holdfast.message_cursors set epoch = '42.1'`)
  await setCursor(db, 'moved', '2000000000:2000000000:' as never)

  await drain(consumer, depsFor(db))
  assert.deepEqual(await effectsOf(db, 'moved'), [...before, `${missed}.1.ThingChanged`])
  const fresh = newThing()
  await change(db, fresh, 1)
  await drain(consumer, depsFor(db))
  assert.equal((await effectsOf(db, 'moved')).at(-1), `${fresh}.1.ThingChanged`)
})
