import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { systemClock } from '#kernel/clock.ts'
import { systemRandom } from '#kernel/random.ts'
import { createLogger } from '#platform/telemetry/logger.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { type Cacheable, sendCacheable } from '../cacheable.ts'
import { createHttpServer } from '../server.ts'

const hall: Cacheable = {
  etag: 'W/"1"',
  cacheControl: 'public, max-age=1',
  encoding: 'br',
  headers: [['vary', 'Accept-Encoding']],
  body: Buffer.from('{"name":"Hall"}'),
}

/** Things of which one is at hand; the route knows them all, and counts what it is asked. */
async function shop(t: TestContext, { isDebugged = false } = {}) {
  const metrics = createMetrics({ processMetrics: false })
  const app = createHttpServer({
    logger: Object.assign(createLogger('silent'), { isLevelEnabled: () => isDebugged }),
    metrics,
    clock: systemClock,
    random: systemRandom(),
    publicUrl: () => 'http://tickets.example',
    authenticate: ({ headers }) => (headers.authorization ? 'invalid-token' : 'unauthenticated'),
  })
  let handled = 0
  const atHand = (name: string) => {
    if (name === 'broken') throw new Error('a mistake of ours')
    if (name === 'unmade') return { ...hall, body: '{}' }
    return name === 'hall' ? hall : null
  }
  app.get('/things/:name', { config: { atHand } }, (asked, reply) => {
    handled++
    return sendCacheable(asked, reply, hall)
  })
  app.get('/things/:name/rest', (_asked, reply) => reply.send('the rest'))
  const slow = { began: Promise.withResolvers<void>(), ends: Promise.withResolvers<void>() }
  app.get('/slow', async () => {
    slow.began.resolve()
    await slow.ends.promise
    return {}
  })
  await app.listen({ port: 0 })
  t.after(() => app.close())
  const { port } = app.server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  async function ask(path: string, headers: Record<string, string> = {}, method = 'GET') {
    const before = handled
    const asked = request({ port, path, method, headers, agent })
    asked.end()
    const [response] = await once(asked, 'response')
    let body = ''
    for await (const chunk of response) body += chunk
    const { date, 'x-request-id': id, ...rest } = response.headers as IncomingHttpHeaders
    assert.ok(date && id)
    return { status: response.statusCode as number, headers: rest, id, body, wasHandled: handled > before }
  }
  return { app, ask, metrics, slow }
}

test('what is at hand is answered with the same bytes as by the route, and without it', async t => {
  const { ask } = await shop(t)
  const asked: Record<string, string>[] = [{}, { 'if-none-match': '"1"' }, { 'if-none-match': '"2"' }]
  for (const headers of asked) {
    const { wasHandled, id: _, ...atHand } = await ask('/things/hall', headers)
    const { wasHandled: byRoute, id: __, ...handled } = await ask('/things/hall', { ...headers, cookie: 'a=b' })
    assert.deepEqual([wasHandled, byRoute], [false, true])
    assert.deepEqual(atHand, handled)
  }
  assert.equal((await ask('/things/hall')).headers['content-encoding'], 'br')
  assert.equal((await ask('/things/hall', { 'if-none-match': '*' })).status, 304)
  assert.equal((await ask('/things/hall', { 'x-request-id': 'abc' })).id, 'abc')
})

test('whatever is out of the ordinary is the route’s', async t => {
  const { ask } = await shop(t)
  for (const path of ['/things/stage', '/things/hall?v=1', '/things/h%61ll'])
    assert.ok((await ask(path)).wasHandled, path)
  assert.ok((await ask('/things/hall', { 'content-length': '0' })).wasHandled)
  assert.equal((await ask('/things/hall', {}, 'HEAD')).body, '')
  assert.equal((await ask('/things/hall/rest')).body, 'the rest')
  assert.equal((await ask('/things/hall/none')).status, 404)
  assert.equal((await ask('/things/hall', { authorization: 'Bearer forged' })).status, 401)
})

test('a mistake in looking does not end the process', async t => {
  const { ask } = await shop(t)
  for (const name of ['broken', 'unmade']) assert.ok((await ask(`/things/${name}`)).wasHandled, name)
})

test('it is counted like the others, and seen one by one where somebody debugs', async t => {
  const { ask, metrics } = await shop(t)
  await ask('/things/hall')
  await ask('/things/hall', { 'if-none-match': '"1"' })
  await ask('/things/stage')
  const text = await metrics.registry.metrics()
  const counted = (status: number) =>
    Number(
      new RegExp(`_count{method="GET",route="/things/:name",status="${status}"} (\\d+)`).exec(text)?.[1] ?? Number.NaN,
    )
  assert.deepEqual([counted(200), counted(304)], [2, 1])
  const watched = await shop(t, { isDebugged: true })
  assert.ok((await watched.ask('/things/hall')).wasHandled)
})

test('a server that closes lets its connections go', async t => {
  const { app, ask, slow } = await shop(t)
  assert.equal((await ask('/things/hall')).headers.connection, 'keep-alive')
  const underWay = ask('/slow')
  await slow.began.promise
  const closing = app.close()
  while (app.server.listening) await new Promise(resolve => setTimeout(resolve, 5))
  slow.ends.resolve()
  await underWay
  const last = await ask('/things/hall')
  assert.deepEqual([last.wasHandled, last.headers.connection], [true, 'close'])
  await closing
})
