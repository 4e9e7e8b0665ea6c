import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { pino } from 'pino'
import { Type } from 'typebox'
import type { Actor } from '#contracts/actor.ts'
import { systemClock } from '#kernel/clock.ts'
import { newId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { createHttpServer } from '../../http/server.ts'
import type { Tx } from '../../postgres/database.ts'
import { testDatabase } from '../../postgres/test-database.ts'
import { createMetrics } from '../../telemetry/metrics.ts'
import { createIdempotency, sweepBoundAnswers } from '../index.ts'

const database = await testDatabase({ max: 30 })
const { db } = database
await db.query('create table notes (n int4 generated always as identity, text text not null)')
const random = systemRandom()
const actor: Actor = { userId: newId('usr', { clock: systemClock, random }), role: 'organizer' }
const other: Actor = { userId: newId('usr', { clock: systemClock, random }), role: 'organizer' }

/** What the route waits for before it answers; tests that need two requests at once set it. */
let gate: Promise<void> = Promise.resolve()
let committed = 0
const one = startProcess()
const two = startProcess()
after(() => Promise.all([one.close(), two.close()]))

/** A process of its own as far as this module can tell: its own memory of what is under way. */
function startProcess() {
  const app = createHttpServer({
    logger: pino({ level: 'silent' }),
    metrics: createMetrics({ processMetrics: false }),
    clock: systemClock,
    random,
    authenticate: ({ headers }) => (headers.authorization === 'other' ? other : actor),
    publicUrl: () => 'http://localhost:3000',
  })
  const idempotently = createIdempotency({ db })
  const route = {
    config: { access: 'any' as const },
    schema: {
      body: Type.Object({ text: Type.String(), tags: Type.Optional(Type.Array(Type.String())) }),
      response: { 201: Type.Object({ n: Type.Integer(), text: Type.String() }) },
    },
  }
  app.post('/notes', route, async (request, reply) =>
    idempotently(request, reply, async tx => {
      await gate
      const n = await writeNote(tx, request.body.text)
      if (request.body.text.startsWith('refused')) return { problem: 'slug-taken' }
      if (request.body.text.startsWith('broken')) throw new Error('broken')
      return {
        status: 201,
        body: { n, text: request.body.text },
        headers: { Location: `/notes/${n}` },
        afterCommit: () => committed++,
      }
    }),
  )
  app.delete('/notes', { config: { access: 'any' } }, async (request, reply) =>
    idempotently(request, reply, async tx => {
      await writeNote(tx, 'deleted')
      return { status: 204 }
    }),
  )
  return app
}

async function writeNote(tx: Tx, text: string): Promise<number> {
  return (await tx.query<{ n: number }>('insert into notes (text) values ($1) returning n', [text])).rows[0]!.n
}
async function notes(text: string): Promise<number> {
  return (await db.query('select from notes where text = $1', [text])).rowCount
}
function post(text: string, key?: string, { on = one, as = 'actor', extra = {} } = {}) {
  const headers = { authorization: as, ...(key !== undefined && { 'idempotency-key': key }) }
  return on.inject({ method: 'POST', url: '/notes', payload: { text, ...extra }, headers })
}
function closeGate(): () => void {
  const { promise, resolve } = Promise.withResolvers<void>()
  gate = promise
  return resolve
}
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(resolve => setTimeout(resolve, 5))
}

test('the same key and body get the same answer and one effect, from either process', async () => {
  const first = await post('again', 'k1')
  assert.equal(first.statusCode, 201)
  assert.equal(first.headers['idempotent-replayed'], undefined)
  for (const on of [one, two]) {
    const again = await post('again', 'k1', { on })
    assert.deepEqual([again.statusCode, again.body, again.headers.location], [201, first.body, first.headers.location])
    assert.equal(again.headers['idempotent-replayed'], 'true')
  }
  assert.equal(await notes('again'), 1)
})

// Negative control: it is the key that makes the effect happen once.
test('without a key, or with another one, each request has its effect', async () => {
  await Promise.all([post('twice'), post('twice')])
  await Promise.all([post('thrice', 'k2a'), post('thrice', 'k2b'), post('thrice', 'k2c')])
  assert.deepEqual([await notes('twice'), await notes('thrice')], [2, 3])
})

test('sixteen copies at once over two processes have one effect and one answer', async () => {
  const open = closeGate()
  const copies = Array.from({ length: 16 }, (_, i) => post('at once', 'k3', { on: i % 2 ? one : two }))
  await until(async () => db.use().busy >= 2)
  open()
  const answers = await Promise.all(copies)
  assert.deepEqual([...new Set(answers.map(answer => `${answer.statusCode} ${answer.body}`))].length, 1)
  assert.equal(answers.filter(answer => answer.headers['idempotent-replayed'] === undefined).length, 1)
  assert.equal(await notes('at once'), 1)
})

test('another body under the key is refused, after the first and while it is under way', async () => {
  const open = closeGate()
  const first = post('one thing', 'k4')
  await until(async () => db.use().busy >= 1)
  const meanwhile = await post('another thing', 'k4')
  assert.deepEqual([meanwhile.statusCode, meanwhile.json().code], [422, 'idempotency-key-reused'])
  const elsewhere = post('another thing', 'k4', { on: two })
  open()
  assert.equal((await first).statusCode, 201)
  assert.equal((await elsewhere).statusCode, 422)
  assert.equal((await post('another thing', 'k4', { on: two })).statusCode, 422)
  assert.equal(await notes('another thing'), 0)
})

test('members in another order are the same body', async () => {
  const send = (payload: string) =>
    one.inject({
      method: 'POST',
      url: '/notes',
      payload,
      headers: { 'content-type': 'application/json', authorization: 'actor', 'idempotency-key': 'k5' },
    })
  await send('{"text":"order","tags":["a","b"]}')
  assert.equal((await send('{"tags":["a","b"], "text":"order"}')).headers['idempotent-replayed'], 'true')
  assert.equal((await send('{"text":"order","tags":["b","a"]}')).statusCode, 422)
})

test('the key belongs to the user, the method and the path', async () => {
  await post('mine', 'k6')
  assert.equal((await post('mine', 'k6', { as: 'other' })).headers['idempotent-replayed'], undefined)
  const remove = () =>
    one.inject({ method: 'DELETE', url: '/notes', headers: { authorization: 'actor', 'idempotency-key': 'k6' } })
  assert.equal((await remove()).headers['idempotent-replayed'], undefined)
  const again = await remove()
  assert.deepEqual([again.statusCode, again.body, again.headers['idempotent-replayed']], [204, '', 'true'])
  assert.equal(await notes('deleted'), 1)
})

test('a refusal and a failure leave nothing behind and the key free', async () => {
  for (const text of ['refused', 'broken']) {
    const answer = await post(text, 'k7')
    assert.equal(answer.statusCode, text === 'refused' ? 409 : 500)
    assert.equal(await notes(text), 0, 'rolled back')
  }
  assert.equal((await post('better', 'k7')).statusCode, 201)
})

test('a copy that waited for one that was refused has its own try', async () => {
  const open = closeGate()
  const answers = [post('refused too', 'k8'), post('refused too', 'k8'), post('refused too', 'k8', { on: two })]
  open()
  assert.deepEqual(
    (await Promise.all(answers)).map(answer => answer.statusCode),
    [409, 409, 409],
  )
})

test('a body that is not valid binds nothing', async () => {
  const invalid = await post('valid but for the tags', 'k9', { extra: { tags: 'none' } })
  assert.equal(invalid.statusCode, 400)
  assert.equal((await post('valid', 'k9')).statusCode, 201)
})

test('a malformed key is told and has no effect', async () => {
  for (const key of ['', 'x'.repeat(256)]) {
    const answer = await post('malformed key', key)
    assert.deepEqual([answer.statusCode, answer.json().errors[0].path], [400, 'Idempotency-Key'])
  }
  assert.equal(await notes('malformed key'), 0)
})

test('a process is told of what it committed, and not of replays', async () => {
  const before = committed
  await post('told', 'k10')
  await post('told', 'k10')
  assert.equal(committed, before + 1)
})

test('after 24 hours the key is free, and its answer is swept', async () => {
  await post('old', 'k11')
  await database.advance(24 * 3600_000 - 60_000)
  assert.equal((await post('old', 'k11')).headers['idempotent-replayed'], 'true')
  await database.advance(61_000)
  assert.equal((await post('new', 'k11')).statusCode, 201)
  const { rows } = await db.query<{ n: number }>('select count(*)::int4 as n from holdfast.idempotency')
  assert.equal(await sweepBoundAnswers(db), rows[0]!.n - 1)
  assert.equal((await post('new', 'k11')).headers['idempotent-replayed'], 'true')
})

// Negative control: with the lock gone, the primary key still lets no second effect be committed.
test('two that run past the lock commit one effect', async () => {
  const { promise: bothHere, resolve: arrive } = Promise.withResolvers<void>()
  let here = 0
  const unlocked = { ...db, transaction: withoutLock } as typeof db
  const app = createHttpServer({
    logger: pino({ level: 'silent' }),
    metrics: createMetrics({ processMetrics: false }),
    clock: systemClock,
    random,
    authenticate: () => actor,
    publicUrl: () => 'http://localhost:3000',
  })
  const processes = [createIdempotency({ db: unlocked }), createIdempotency({ db: unlocked })]
  for (const [i, idempotently] of processes.entries())
    app.post('/notes', { constraints: { host: `process-${i}` }, config: { access: 'any' } }, async (request, reply) =>
      idempotently(request, reply, async tx => {
        if (++here === 2) arrive()
        await bothHere
        return { status: 201, body: { n: await writeNote(tx, 'past the lock') } }
      }),
    )
  const send = (i: number) =>
    app.inject({
      method: 'POST',
      url: '/notes',
      payload: {},
      headers: { host: `process-${i}`, 'idempotency-key': 'k12' },
    })
  const statuses = (await Promise.all([send(0), send(1)])).map(answer => answer.statusCode)
  assert.deepEqual(statuses.sort(), [201, 500])
  assert.equal(await notes('past the lock'), 1)
  await app.close()
})

function withoutLock<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
  return db.transaction(tx =>
    work({
      query: (text: string, values?: unknown[]) =>
        text.includes('pg_advisory') ? Promise.resolve({ rows: [], rowCount: 0 }) : tx.query(text, values),
    } as unknown as Tx),
  )
}
