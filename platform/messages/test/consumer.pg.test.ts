import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OutcomeUnknown, RetryableFault } from '#kernel/faults.ts'
import type { Database } from '#platform/postgres/database.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { consumerJob } from '../consumer.ts'
import { setCursor } from '../consumer-place.ts'
import { theBeginning } from '../snapshot-cursor.ts'
import {
  change,
  depsFor,
  drain,
  effectsConsumer,
  effectsOf,
  effectsTable,
  newThing,
  openTransaction,
  turn,
} from './things.ts'

const { db, url, advance } = await testDatabase()
await db.query(effectsTable)

test('every message has its effect once, and the parts of a change come after it', async () => {
  const consumer = effectsConsumer('plain')
  const thing = newThing()
  await change(db, thing, 1, { parts: 2 })
  await drain(consumer, depsFor(db))
  const expected = [`${thing}.1.ThingChanged`, `${thing}.1.PartChanged.1`, `${thing}.1.PartChanged.2`]
  assert.deepEqual(await effectsOf(db, 'plain'), expected)
  await drain(consumer, depsFor(db))
  assert.deepEqual(await effectsOf(db, 'plain'), expected)
})

test('a new consumer begins where it says: with what is there, or with what comes', async () => {
  const thing = newThing()
  await change(db, thing, 1)
  const late = { ...effectsConsumer('from-now'), from: 'now' as const }
  await drain(late, depsFor(db))
  assert.deepEqual(await effectsOf(db, 'from-now'), [])
  await change(db, thing, 2)
  await drain(late, depsFor(db))
  assert.deepEqual(await effectsOf(db, 'from-now'), [`${thing}.2.ThingChanged`])
})

test('messages that come again have no second effect', async () => {
  const consumer = effectsConsumer('replayed')
  await change(db, newThing(), 1)
  await drain(consumer, depsFor(db))
  const once = await effectsOf(db, 'replayed')
  await setCursor(db, 'replayed', theBeginning)
  await change(db, newThing(), 1)
  await drain(consumer, depsFor(db))
  const after = await effectsOf(db, 'replayed')
  assert.equal(after.length, once.length + 1)
  assert.equal(new Set(after).size, after.length)

  // The negative control: without its inbox it does everything again.
  await db.query(`delete from holdfast.inbox where consumer = 'replayed'`)
  await setCursor(db, 'replayed', theBeginning)
  await drain(consumer, depsFor(db))
  assert.equal((await effectsOf(db, 'replayed')).length, 2 * after.length)
})

test('a crash after the effect and before the commit leaves neither, and the message comes again', async () => {
  let crashes = 2
  const outside: string[] = []
  const consumer = effectsConsumer('crashing', async (messages, tx) => {
    outside.push(...messages.map(message => message.id))
    if (crashes-- > 0) {
      await tx.query(`insert into effects (consumer, message_id) values ('crashing', 'half done')`)
      await tx.query('select pg_terminate_backend(pg_backend_pid())')
    }
  })
  const thing = newThing()
  await drain({ ...effectsConsumer('crashing'), handle: async () => {} }, depsFor(db))
  await change(db, thing, 1)
  await assert.rejects(drain(consumer, depsFor(db)), RetryableFault)
  await assert.rejects(drain(consumer, depsFor(db)), RetryableFault)
  await drain(consumer, depsFor(db))
  assert.deepEqual(await effectsOf(db, 'crashing'), [`${thing}.1.ThingChanged`])
  // The negative control: an effect outside the transaction came three times.
  assert.equal(outside.length, 3)
})

test('a commit whose answer was lost is not done again', async () => {
  const consumer = effectsConsumer('answer-lost')
  await drain(consumer, depsFor(db))
  const before = await effectsOf(db, 'answer-lost')
  const thing = newThing()
  await change(db, thing, 1)
  const losing: Database = {
    ...db,
    async transaction(work) {
      await db.transaction(work)
      throw new OutcomeUnknown('the connection was lost while committing')
    },
  }
  await assert.rejects(drain(consumer, depsFor(losing)), OutcomeUnknown)
  await drain(consumer, depsFor(db))
  assert.deepEqual((await effectsOf(db, 'answer-lost')).slice(before.length), [`${thing}.1.ThingChanged`])
})

test('what could not be handled for want of the world is not marked as handled', async () => {
  let away = true
  const consumer = effectsConsumer('away', async () => {
    if (away) throw new RetryableFault('somebody is away')
  })
  const thing = newThing()
  await change(db, thing, 1)
  await assert.rejects(drain(consumer, depsFor(db)), RetryableFault)
  const { rows } = await db.query(
    `select c.snapshot::text as snapshot, (select count(*) from holdfast.inbox where consumer = 'away') as entered,
       (select count(*) from holdfast.parked_messages where consumer = 'away') as parked
     from holdfast.message_cursors c where c.consumer = 'away'`,
  )
  assert.deepEqual(rows, [{ snapshot: theBeginning, entered: 0, parked: 0 }])
  away = false
  await drain(consumer, depsFor(db))
  assert((await effectsOf(db, 'away')).includes(`${thing}.1.ThingChanged`))
})

test('a second process leaves a consumer alone while the first has the lease, and takes over when it ends', async () => {
  const consumer = effectsConsumer('leased')
  const [first, second] = [depsFor(db), depsFor(db)]
  await turn(consumer, first)
  const before = (await effectsOf(db, 'leased')).length
  await change(db, newThing(), 1)
  await turn(consumer, second)
  assert.equal((await effectsOf(db, 'leased')).length, before)
  await advance(15_000)
  await turn(consumer, second)
  assert.equal((await effectsOf(db, 'leased')).length, before + 1)

  await change(db, newThing(), 1)
  await turn(consumer, first)
  assert.equal((await effectsOf(db, 'leased')).length, before + 1)
  await consumerJob(consumer, second).stop?.()
  await turn(consumer, first)
  assert.equal((await effectsOf(db, 'leased')).length, before + 2)
})

test('a process that was thought dead and is not does its work once more for nothing', async () => {
  const reached = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const slow = effectsConsumer('stalled', async () => {
    reached.resolve()
    await gate.promise
  })
  let handled = 0
  const quick = effectsConsumer('stalled', async () => void handled++)
  await drain(quick, depsFor(db))
  const before = await effectsOf(db, 'stalled')
  handled = 0
  const thing = newThing()
  await change(db, thing, 1)

  const stalled = drain(slow, depsFor(db))
  await reached.promise
  await advance(15_000)
  const other = drain(quick, depsFor(db))
  await untilSomebodyWaits()
  gate.resolve()
  await Promise.all([stalled, other])
  assert.deepEqual((await effectsOf(db, 'stalled')).slice(before.length), [`${thing}.1.ThingChanged`])
  assert.equal(handled, 0, 'the fence, not the inbox, kept the second away')
})

test('many processes without any courtesy: each message once, each subject in order', async () => {
  const consumer = effectsConsumer('crowd')
  const subjects = Array.from({ length: 20 }, newThing)
  const writing = (async () => {
    for (let revision = 1; revision <= 6; revision++) {
      for (const [i, subject] of subjects.entries()) await change(db, subject, revision, { key: i % 3 })
    }
  })()
  let writes = true
  writing.finally(() => {
    writes = false
  })
  const impatient = async () => {
    const deps = depsFor(db)
    while (writes) {
      await db.query(`update holdfast.message_cursors set leased_until = '-infinity' where consumer = 'crowd'`)
      await drain(consumer, deps)
    }
  }
  await Promise.all([writing, impatient(), impatient(), impatient()])
  await drain(consumer, depsFor(db))
  const all = await effectsOf(db, 'crowd')
  assert.equal(new Set(all).size, all.length)
  for (const subject of subjects) {
    assert.deepEqual(
      all.filter(id => id.startsWith(subject)),
      [1, 2, 3, 4, 5, 6].map(revision => `${subject}.${revision}.ThingChanged`),
    )
  }
})

test('a late commit of an earlier transaction is delivered', async () => {
  const consumer = effectsConsumer('late')
  const [early, late] = [newThing(), newThing()]
  const open = await openTransaction(url)
  await change(open, early, 1)
  await change(db, late, 1)
  const deps = depsFor(db)
  await drain(consumer, deps)
  assert((await effectsOf(db, 'late')).includes(`${late}.1.ThingChanged`))
  await open.query('commit')
  await open.end()
  await drain(consumer, deps)
  assert.equal((await effectsOf(db, 'late')).at(-1), `${early}.1.ThingChanged`)
})

test('while the server is overloaded nothing is delivered', async () => {
  let isOverloaded = true
  const deps = depsFor(db, { isOverloaded: () => isOverloaded })
  const consumer = effectsConsumer('yielding')
  await change(db, newThing(), 1)
  await drain(consumer, deps)
  assert.deepEqual(await effectsOf(db, 'yielding'), [])
  isOverloaded = false
  await drain(consumer, deps)
  assert.notEqual((await effectsOf(db, 'yielding')).length, 0)
})

test('what was read and not wanted is not read again, unless the place has moved', async () => {
  const deps = depsFor(db)
  const reads: { from: string; to: string }[] = []
  let isAway = false
  const log = {
    ...deps.log,
    read: async (...question: Parameters<typeof deps.log.read>) => {
      if (isAway) throw new RetryableFault('away')
      const read = await deps.log.read(...question)
      reads.push({ from: question[0], to: read.cursor })
      return read
    },
  }
  const consumer = { ...effectsConsumer('choosy'), types: ['PartChanged'] }
  const job = consumerJob(consumer, { ...deps, log })
  const look = () => job.run(new AbortController().signal)
  while ((await look()) === 'more') {}
  await change(db, newThing(), 1)
  await look()
  await change(db, newThing(), 1)
  await look()
  assert.equal(reads.at(-1)!.from, reads.at(-2)!.to, 'goes on where it was')
  isAway = true
  await assert.rejects(look())
  isAway = false
  await look()
  assert.notEqual(reads.at(-1)!.from, reads.at(-2)!.to, 'after a failure it trusts the place alone')
  const wanted = newThing()
  await change(db, wanted, 1, { parts: 1 })
  await look()
  assert.deepEqual((await effectsOf(db, 'choosy')).at(-1), `${wanted}.1.PartChanged.1`)

  await setCursor(db, 'choosy', theBeginning)
  await look()
  assert.equal(reads.at(-1)!.from, theBeginning)
  await job.stop?.()
})

async function untilSomebodyWaits(): Promise<void> {
  for (;;) {
    const { rows } = await db.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    if (rows.length > 0) return
  }
}
