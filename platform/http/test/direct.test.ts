import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Type from 'typebox'
import { systemClock } from '#kernel/clock.ts'
import { RetryableFault } from '#kernel/faults.ts'
import { parseId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { createLogger } from '#platform/telemetry/logger.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { type AnswerTo, byFramework, type Turn } from '../direct.ts'
import { createHttpServer } from '../server.ts'

const wish = Type.Object(
  { name: Type.String({ maxLength: 20 }), times: Type.Optional(Type.Integer({ default: 1 })) },
  { additionalProperties: false },
)
type Wish = Type.Static<typeof wish>
const actor = { userId: parseId('usr', `usr_${'0'.repeat(26)}`)!, role: 'guest' as const }

/** A route that says who carried it: the framework's handler leaves a mark. */
async function shop(
  t: TestContext,
  { isDebugged = false, deadlineMs = 8000, maxSockets = 10, turn = (() => null) as Turn } = {},
) {
  const metrics = createMetrics({ processMetrics: false })
  const told: object[] = []
  const app = createHttpServer({
    logger: Object.assign(createLogger('silent'), {
      isLevelEnabled: () => isDebugged,
      error: (line: object) => void told.push(line),
    }),
    metrics,
    clock: systemClock,
    random: systemRandom(),
    publicUrl: () => 'http://tickets.example',
    authenticate: ({ headers }) => {
      if (headers.authorization === 'Bearer trouble') throw new Error('no keys')
      if (headers.authorization === undefined) return 'unauthenticated'
      return headers.authorization === 'Bearer ours' ? actor : 'invalid-token'
    },
    deadlineMs,
  })
  const asked: unknown[] = []
  let isGone = () => false
  const answerTo: AnswerTo<Wish> = async question => {
    asked.push(question.body)
    isGone = question.isGone
    const { name } = question.body
    if (name === 'nothing') return { code: 'not-found', options: { detail: 'There is no "nothing".' } }
    if (name === 'busy') throw new RetryableFault('busy', { retryAfterSeconds: 3 })
    if (name === 'broken') throw new Error('a mistake of ours')
    if (name === 'unsayable') return { code: 'not-found', options: { extras: { count: 1n } } }
    if (name === 'unsendable') return { status: 200, headers: [['x-name', 'a\nb']], body: '' }
    if (name === 'slow') await sleep(700)
    return {
      status: 201,
      headers: [
        ['content-type', 'application/json; charset=utf-8'],
        ['location', '/things/1'],
      ],
      body: JSON.stringify({ name, for: question.actor.userId, é: '€' }),
    }
  }
  let handled = 0
  const handler = byFramework(answerTo)
  app.post(
    '/things',
    { config: { access: 'any', direct: answerTo, turn }, schema: { body: wish } },
    (asking, reply) => {
      handled++
      return handler(asking, reply)
    },
  )
  app.post('/desk', { config: { access: ['organizer'], direct: answerTo }, schema: { body: wish } }, handler)
  await app.listen({ port: 0 })
  t.after(() => app.close())
  const { port } = app.server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true, maxSockets })
  t.after(() => agent.destroy())

  async function ask(body: string | Buffer | object, headers: Record<string, string> = {}, path = '/things') {
    const before = handled
    const bytes = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
    const sent = request({
      port,
      path,
      method: 'POST',
      agent,
      headers: {
        authorization: 'Bearer ours',
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(bytes)),
        ...headers,
      },
    })
    sent.end(bytes)
    const [response] = await once(sent, 'response')
    let text = ''
    for await (const chunk of response) text += chunk
    const { date, 'x-request-id': id, ...rest } = response.headers as Record<string, string>
    assert.ok(date && id)
    return {
      status: response.statusCode as number,
      headers: rest,
      body: text.replaceAll(id, 'its id'),
      byFramework: handled > before,
    }
  }
  return { app, port, ask, asked, metrics, told, isGone: () => isGone() }
}

const throughTheFramework = { 'content-type': 'application/json; charset=UTF-8' }

test('an answer and a refusal are the same bytes with the framework and without', async t => {
  const { ask, asked } = await shop(t)
  for (const name of ['hall', 'nothing', 'busy', 'broken']) {
    const { byFramework: first, ...direct } = await ask({ name })
    const { byFramework: second, ...carried } = await ask({ name }, throughTheFramework)
    assert.deepEqual([first, second], [false, true])
    assert.deepEqual(direct, carried)
  }
  assert.deepEqual(asked[0], { name: 'hall', times: 1 })
  const statuses = await Promise.all(
    ['hall', 'nothing', 'busy', 'broken'].map(async name => (await ask({ name })).status),
  )
  assert.deepEqual(statuses, [201, 404, 503, 500])
  assert.equal((await ask({ name: 'busy' })).headers['retry-after'], '3')
})

test('what is wrong with a request the framework says, with its body read again', async t => {
  const { ask } = await shop(t)
  const wrong: [body: string | Buffer | object, headers: Record<string, string>, status: number, said: RegExp][] = [
    ['{"name":', {}, 400, /is not valid JSON/],
    ['{"name":"a","__proto__":1}', {}, 400, /is not valid JSON/],
    [{ name: 5 }, {}, 400, /name must be a string/],
    [{ title: 'é€😀' }, {}, 400, /title is not a known field/],
    [Buffer.from('{"title":"\xff\xfe"}', 'latin1'), {}, 400, /title is not a known field/],
    [{ name: 'a\0' }, {}, 400, /must not contain U\+0000/],
    ['', { 'content-length': '0' }, 400, /body must be an object/],
    [{ name: 'a' }, { authorization: 'Bearer forged' }, 401, /invalid-token/],
    [{ name: 'a' }, { 'content-type': 'text/plain' }, 415, /unsupported-media-type/],
    [{ name: 'a'.repeat(70_000) }, {}, 413, /body-too-large/],
    [{ name: 'a' }, { authorization: 'Bearer trouble' }, 500, /internal/],
    [{ name: 'unsayable' }, {}, 500, /internal/],
    [{ name: 'unsayable' }, throughTheFramework, 500, /internal/],
  ]
  for (const [body, headers, status, said] of wrong) {
    const answer = await ask(body, headers)
    assert.equal(answer.status, status, String(said))
    assert.match(answer.body, said)
  }
})

test('a role that may not, and an address with a query, are the framework’s', async t => {
  const { ask, asked } = await shop(t)
  const forbidden = await ask({ name: 'hall' }, {}, '/desk')
  assert.equal(forbidden.status, 403)
  assert.match(forbidden.body, /"required":\["organizer"\]/)
  assert.deepEqual(asked, [])
  assert.ok((await ask({ name: 'hall' }, {}, '/things?at=once')).byFramework)
})

test('a route that looks at more than its token and its body does not start', async () => {
  const app = createHttpServer({
    logger: createLogger('silent'),
    metrics: createMetrics({ processMetrics: false }),
    clock: systemClock,
    random: systemRandom(),
    publicUrl: () => '',
    authenticate: () => actor,
  })
  const direct: AnswerTo<Wish> = async () => ({ code: 'not-found' })
  const handler = byFramework(direct)
  const schema = { body: wish }
  assert.throws(
    () => app.put('/a', { config: { access: 'any', direct }, schema }, handler),
    /is a POST of somebody known/,
  )
  assert.throws(() => app.post('/b', { config: { direct }, schema }, handler), /is a POST of somebody known/)
  assert.throws(() => app.post('/c', { config: { access: 'any', direct } }, handler), /what its body is/)
  const query = { ...schema, querystring: Type.Object({}) }
  assert.throws(
    () => app.post('/d', { config: { access: 'any', direct }, schema: query }, handler),
    /no more to be looked/,
  )
  await app.close()
})

test('answers to requests on one connection come in their order, whoever carries them', async t => {
  const { port } = await shop(t)
  const socket = connect(port)
  const one = (name: string, type: string) => {
    const body = JSON.stringify({ name })
    return `POST /things HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ours\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  }
  let text = ''
  socket.on('data', bytes => {
    text += bytes
  })
  socket.write(
    one('slow', 'application/json') +
      one('second', 'application/json; charset=UTF-8') +
      one('third', 'application/json'),
  )
  await sleep(900)
  socket.end()
  assert.deepEqual(
    [...text.matchAll(/"name":"(\w+)"/g)].map(([, name]) => name),
    ['slow', 'second', 'third'],
  )
})

test('a body that comes in pieces is put together, and one that never comes whole is nobody’s', async t => {
  const { ask, asked, port, metrics } = await shop(t)
  const body = Buffer.from(JSON.stringify({ name: 'é€😀' }))
  const socket = connect(port)
  const head = `POST /things HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ours\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
  socket.write(head)
  for (const byte of body) {
    socket.write(Buffer.of(byte))
    await sleep(1)
  }
  const [answer] = await once(socket, 'data')
  assert.match(String(answer), /^HTTP\/1.1 201 /)
  assert.deepEqual(asked, [{ name: 'é€😀', times: 1 }])
  socket.end()

  const gone = connect(port)
  gone.write(head)
  gone.write(body.subarray(0, 5))
  await sleep(20)
  gone.destroy()
  await sleep(20)
  assert.equal((await ask({ name: 'hall' })).status, 201)
  assert.match(await metrics.registry.metrics(), /_count{method="POST",route="\/things",status="201"} 2/)
  assert.equal(asked.length, 2)
})

test('who has gone is known to the one who answers', async t => {
  const { port, isGone, ask } = await shop(t)
  const body = JSON.stringify({ name: 'slow' })
  const socket = connect(port)
  socket.write(
    `POST /things HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ours\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  await sleep(50)
  assert.equal(isGone(), false)
  socket.destroy()
  await sleep(50)
  assert.equal(isGone(), true)
  await sleep(700)
  assert.equal((await ask({ name: 'hall' })).status, 201)
})

test('one answer a request: the deadline’s, if it comes first', async t => {
  const { ask, metrics } = await shop(t, { deadlineMs: 100 })
  const late = await ask({ name: 'slow' })
  assert.deepEqual([late.status, late.headers['retry-after']], [503, '2'])
  await sleep(700)
  const text = await metrics.registry.metrics()
  assert.match(text, /_count{method="POST",route="\/things",status="503"} 1/)
  assert.doesNotMatch(text, /_count{method="POST",route="\/things",status="201"}/)
})

test('a body that is whole only after the deadline is not asked about', async t => {
  const { port, asked, ask } = await shop(t, { deadlineMs: 100 })
  const body = JSON.stringify({ name: 'hall' })
  const socket = connect(port)
  let text = ''
  socket.on('data', bytes => {
    text += bytes
  })
  socket.write(
    `POST /things HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ours\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
  )
  await sleep(600)
  assert.match(text, /^HTTP\/1.1 503 /)
  socket.write(body.slice(5))
  await sleep(50)
  assert.equal(text.split('HTTP/1.1').length - 1, 1)
  assert.deepEqual(asked, [])
  socket.end()
  assert.equal((await ask({ name: 'hall' })).status, 201)
})

test('a request is begun when it is its turn, and not before', async t => {
  const turns = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let comers = 0
  const { ask, asked } = await shop(t, { turn: () => turns[comers++]?.promise ?? null, deadlineMs: 500 })
  const asking: ReturnType<typeof ask>[] = []
  for (const [i, name] of ['one', 'two', 'three'].entries()) {
    asking.push(ask({ name }))
    while (comers <= i) await sleep(1)
  }
  const [first, second, third] = asking
  assert.equal((await ask({ name: 'four' })).status, 201, 'whose turn it is at once')
  turns[0]!.resolve()
  assert.equal((await first!).status, 201)
  assert.deepEqual(
    asked.map(body => (body as Wish).name),
    ['four', 'one'],
  )
  turns[1]!.reject(new RetryableFault('too many are waiting', { retryAfterSeconds: 1 }))
  const { status, headers } = await second!
  assert.deepEqual([status, headers['retry-after']], [503, '1'])
  // Nobody calls the third: the deadline answers, and its turn comes for nothing.
  assert.equal((await third!).status, 503)
  turns[2]!.resolve()
  await sleep(20)
  assert.equal(asked.length, 2)
})

test('a mistake is told in the log, and takes none of the others with it', async t => {
  const { ask, told } = await shop(t)
  const unsendable = ask({ name: 'unsendable' })
  const good = ask({ name: 'hall' })
  await assert.rejects(unsendable, /hang up|ECONNRESET/)
  assert.equal((await good).status, 201)
  await ask({ name: 'broken' })
  assert.deepEqual(
    told.map(line => (line as { err: Error }).err.message),
    ['Invalid character in header content ["x-name"]', 'a mistake of ours'],
  )
})

test('where somebody debugs, and while the server closes, the framework has it', async t => {
  const watched = await shop(t, { isDebugged: true })
  assert.ok((await watched.ask({ name: 'hall' })).byFramework)
  const { app, ask } = await shop(t, { maxSockets: 1 })
  const slow = ask({ name: 'slow' })
  await sleep(50)
  const closing = app.close()
  const last = ask({ name: 'hall' })
  assert.equal((await slow).byFramework, false)
  assert.deepEqual([(await last).byFramework, (await last).headers.connection], [true, 'close'])
  await closing
})
