import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import Type from 'typebox'
import { systemClock } from '#kernel/clock.ts'
import { OutcomeUnknown, RetryableFault } from '#kernel/faults.ts'
import { newId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { createLogger } from '#platform/telemetry/logger.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { createHttpServer, type HttpServer } from '../server.ts'

const random = systemRandom()
const guest = { userId: newId('usr', { clock: systemClock, random }), role: 'guest' as const }

function serverWith(t: TestContext, mount: (app: HttpServer) => void, options: { deadlineMs?: number } = {}) {
  const metrics = createMetrics({ processMetrics: false })
  const logger = createLogger('silent')
  const app = createHttpServer({
    ...options,
    logger,
    metrics,
    clock: systemClock,
    random,
    publicUrl: () => 'http://tickets.example',
    authenticate: ({ headers }) =>
      headers.authorization === 'Bearer guest' ? guest : headers.authorization ? 'invalid-token' : 'unauthenticated',
  })
  mount(app)
  t.after(() => app.close())
  return { app, metrics }
}

const withBody = (app: HttpServer) => {
  const body = Type.Object(
    { seats: Type.Array(Type.String(), { maxItems: 2, uniqueItems: true }), note: Type.Optional(Type.String()) },
    { additionalProperties: false },
  )
  app.post('/things', { config: { access: 'any' }, schema: { body } }, async request => ({
    seats: request.body.seats,
    actor: request.actor,
  }))
}

function post(app: HttpServer, payload: string, headers: Record<string, string> = {}) {
  return app.inject({
    method: 'POST',
    url: '/things',
    payload,
    headers: { 'content-type': 'application/json', authorization: 'Bearer guest', ...headers },
  })
}

test("every answer carries a request id, the caller's own if it is harmless", async t => {
  const { app } = serverWith(t, withBody)
  assert.equal((await post(app, '{"seats":[]}', { 'x-request-id': 'abc-1' })).headers['x-request-id'], 'abc-1')
  assert.match(
    String((await post(app, '{"seats":[]}', { 'x-request-id': 'a\tb' })).headers['x-request-id']),
    /^[\w-]{12}$/,
  )
  assert.ok((await app.inject('/nowhere')).headers['x-request-id'])
})

test('a body that is wrong is answered 400 with every place at once', async t => {
  const { app } = serverWith(t, withBody)
  const answer = await post(app, '{"seats":["a","a",3],"colour":"red"}')
  assert.equal(answer.statusCode, 400)
  assert.match(String(answer.headers['content-type']), /application\/problem\+json/)
  const { code, type, errors, request_id } = answer.json()
  assert.equal(code, 'invalid-request')
  assert.equal(type, 'http://tickets.example/problems/invalid-request')
  assert.equal(request_id, answer.headers['x-request-id'])
  assert.deepEqual(errors.map((error: { path: string }) => error.path).sort(), ['colour', 'seats', 'seats', 'seats[2]'])
})

test('malformed JSON, prototype tricks and text that cannot be stored are 400, never 500', async t => {
  const { app } = serverWith(t, withBody)
  const bodies = [
    '{',
    '',
    'null',
    '[]',
    '"x"',
    '{"__proto__":{"admin":true},"seats":[]}',
    '{"seats":["a\\u0000b"]}',
    '{"seats":["\\ud800"]}',
    '{"seats":[],"note":"\\udc00x"}',
    '{"constructor":{"prototype":{}},"seats":[]}',
  ]
  for (const body of bodies) {
    const answer = await post(app, body)
    assert.equal(answer.statusCode, 400, body)
    assert.equal(answer.json().code, 'invalid-request', body)
  }
  assert.equal(({} as Record<string, unknown>).admin, undefined)
})

test('a body over 64 KB is 413, another content type 415', async t => {
  const { app } = serverWith(t, withBody)
  assert.equal((await post(app, JSON.stringify({ seats: ['x'.repeat(70_000)] }))).statusCode, 413)
  assert.equal((await post(app, 'seats=1', { 'content-type': 'application/x-www-form-urlencoded' })).statusCode, 415)
})

test('the token is judged before the body', async t => {
  const { app } = serverWith(t, withBody)
  const noToken = await app.inject({
    method: 'POST',
    url: '/things',
    payload: '{',
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(noToken.statusCode, 401)
  assert.equal(noToken.headers['www-authenticate'], 'Bearer')
  assert.equal((await post(app, '{', { authorization: 'Bearer forged' })).json().code, 'invalid-token')
})

test('a role that may not is 403 and told which may', async t => {
  const { app } = serverWith(
    t,
    app => void app.get('/staff', { config: { access: ['organizer'] } }, async () => 'secret'),
  )
  const answer = await app.inject({ url: '/staff', headers: { authorization: 'Bearer guest' } })
  assert.equal(answer.statusCode, 403)
  assert.deepEqual(answer.json().required, ['organizer'])
})

test('faults are 503 with Retry-After, bugs are 500 and tell nothing', async t => {
  const { app } = serverWith(t, app => {
    app.get('/away', async () => {
      throw new RetryableFault('the database is not reachable', { retryAfterSeconds: 3 })
    })
    app.get('/unknown', async () => {
      throw new OutcomeUnknown('lost while committing')
    })
    app.get('/bug', async () => {
      throw new Error('select secret from table')
    })
  })
  const away = await app.inject('/away')
  assert.equal(away.statusCode, 503)
  assert.equal(away.headers['retry-after'], '3')
  assert.equal((await app.inject('/unknown')).statusCode, 503)
  const bug = await app.inject('/bug')
  assert.equal(bug.statusCode, 500)
  assert.ok(!bug.body.includes('secret'))
})

test('a request without an answer gets 503 at its deadline', async t => {
  const { app } = serverWith(t, app => void app.get('/slow', () => new Promise(() => {})), { deadlineMs: 100 })
  const answer = await app.inject('/slow')
  assert.equal(answer.statusCode, 503)
  assert.ok(answer.headers['retry-after'])
})

test('malformed addresses are 404', async t => {
  const { app } = serverWith(t, app => void app.get('/things/:id', async () => 'x'))
  assert.equal((await app.inject('/things/%zz')).json().code, 'not-found')
  assert.equal((await app.inject(`/things/${'x'.repeat(500)}`)).json().code, 'not-found')
})

test('requests are counted by route and status, not by address', async t => {
  const { app, metrics } = serverWith(t, app => void app.get('/things/:id', async () => 'x'))
  await app.inject('/things/1')
  await app.inject('/things/2')
  const text = await metrics.registry.metrics()
  assert.match(
    text,
    /holdfast_http_request_duration_seconds_count\{method="GET",route="\/things\/:id",status="200"\} 2/,
  )
})

test('an answer that cannot be sent takes none of the others with it', async t => {
  const { app } = serverWith(t, app => {
    app.get('/broken', (_request, reply) => reply.type('text/plain').send(Symbol('no body') as never))
    app.get('/good', async () => ({ good: true }))
  })
  const [broken, good] = await Promise.all([app.inject('/broken').catch(error => error as Error), app.inject('/good')])
  assert.equal(good.statusCode, 200)
  assert.ok(broken instanceof Error || broken.statusCode === 500, String(broken))
})
