import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '#platform/postgres/test-database.ts'
import type { Consumer } from '../consumer.ts'
import { setCursor } from '../consumer-place.ts'
import type { Message } from '../message.ts'
import { theBeginning } from '../snapshot-cursor.ts'
import { change, depsFor, drain, effectsConsumer, effectsOf, effectsTable, newThing } from './things.ts'

const { db, advance } = await testDatabase()
await db.query(effectsTable)

test('a message that cannot be handled is set aside, the others go on, and later ones of its subject wait', async () => {
  const [bad, good] = [newThing(), newThing()]
  const poison = poisonedBy(`${bad}.1.ThingChanged`)
  const consumer = effectsConsumer('poisoned', poison.check)
  const deps = depsFor(db)
  for (const thing of [bad, good]) await change(db, thing, 1)
  await change(db, bad, 2, { parts: 1 })
  await drain(consumer, deps)
  assert.deepEqual(await effectsOf(db, 'poisoned'), [`${good}.1.ThingChanged`])

  await change(db, bad, 3)
  await change(db, good, 2)
  await drain(consumer, deps)
  assert.deepEqual(await effectsOf(db, 'poisoned'), [`${good}.1.ThingChanged`, `${good}.2.ThingChanged`])
  assert.equal(await parkedCount('poisoned'), 4)

  // Coming again, they are neither handled before their time nor parked twice.
  await setCursor(db, 'poisoned', theBeginning)
  await drain(consumer, deps)
  assert.equal(await parkedCount('poisoned'), 4)
  assert.equal((await effectsOf(db, 'poisoned')).length, 2)

  poison.isMended = true
  await retry(consumer)
  assert.deepEqual(
    (await effectsOf(db, 'poisoned')).slice(2),
    [1, 2].map(revision => `${bad}.${revision}.ThingChanged`).concat(`${bad}.2.PartChanged.1`, `${bad}.3.ThingChanged`),
  )
  assert.equal(await parkedCount('poisoned'), 0)
})

test('a parked message is tried again later and later, and never given up', async () => {
  const bad = newThing()
  const poison = poisonedBy(`${bad}.1.ThingChanged`)
  const consumer = effectsConsumer('stubborn', poison.check)
  await change(db, bad, 1)
  await drain(consumer, depsFor(db))
  const waits: number[] = []
  for (let i = 0; i < 3; i++) {
    await advance(10_000)
    await retry(consumer)
    const { rows } = await db.query<{ wait: number; attempts: number }>(
      `select round(date_part('epoch', next_attempt_at - holdfast.clock())) as wait, attempts
       from holdfast.parked_messages where consumer = 'stubborn'`,
    )
    assert.equal(rows[0]!.attempts, i + 1)
    waits.push(rows[0]!.wait)
  }
  assert.deepEqual(waits, [2, 4, 8])
  assert.equal(poison.attemptsAlone, 1 + 3)
})

test('when a consumer fails on everything, nothing is lost and all comes in order once it is mended', async () => {
  const subjects = Array.from({ length: 5 }, newThing)
  let isBroken = true
  const consumer = effectsConsumer('broken', async () => {
    if (isBroken) throw new Error('no such column')
  })
  for (const revision of [1, 2]) for (const subject of subjects) await change(db, subject, revision)
  await drain(consumer, depsFor(db))
  assert.deepEqual(await effectsOf(db, 'broken'), [])
  isBroken = false
  await retry(consumer)
  const effects = await effectsOf(db, 'broken')
  for (const subject of subjects) {
    assert.deepEqual(
      effects.filter(id => id.startsWith(subject)),
      [1, 2].map(revision => `${subject}.${revision}.ThingChanged`),
    )
  }
})

function poisonedBy(id: string) {
  const poison = {
    isMended: false,
    attemptsAlone: 0,
    check: async (messages: readonly Message[]) => {
      if (poison.isMended || !messages.some(message => message.id === id)) return
      if (messages.length === 1) poison.attemptsAlone++
      throw new Error(`cannot digest ${id}`)
    },
  }
  return poison
}

/** What is parked is tried again when the lease is taken or renewed. */
async function retry(consumer: Consumer): Promise<void> {
  await advance(1000)
  await drain(consumer, depsFor(db))
}

async function parkedCount(consumer: string): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    'select count(*) as n from holdfast.parked_messages where consumer = $1',
    [consumer],
  )
  return rows[0]!.n
}
