import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { systemClock } from '#kernel/clock.ts'
import { systemRandom } from '#kernel/random.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { createShedding } from '../shedding.ts'

/** A server whose requests stay open until they are let go. */
async function house(t: TestContext) {
  const metrics = createMetrics({ processMetrics: false })
  const shedding = createShedding({
    metrics,
    clock: systemClock,
    random: systemRandom(),
    publicUrl: () => 'http://tickets.example',
  })
  shedding.addRoute('GET', '/probe', { traffic: 'operations', isCounted: true })
  shedding.addRoute('POST', '/pay/:id/confirm', { traffic: 'pay', isCounted: true })
  shedding.addRoute('POST', '/hold', {
    traffic: 'browse',
    isCounted: true,
    direct: (_request, response) => void response.writeHead(299).end(),
  })
  shedding.addRoute('GET', '/list', { traffic: 'browse', isCounted: true })
  shedding.addRoute('GET', '/list/:id/stream', { traffic: 'browse', isCounted: false })
  const open: ServerResponse[] = []
  const arrivals = new EventEmitter().setMaxListeners(0)
  const server = shedding.createServer((_request, response) => {
    open.push(response)
    arrivals.emit('arrived')
  }, {})
  server.listen(0)
  await once(server, 'listening')
  t.after(() => {
    shedding.stop()
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  /** The status if the request is turned away, null once it is under way. */
  const ask = (method: string, path: string): Promise<number | null> =>
    new Promise((resolve, reject) => {
      const asked = request({ port, method, path, agent: false })
      asked.on('response', response => resolve(response.resume().statusCode!))
      asked.on('error', reject)
      asked.end()
      arrivals.once('arrived', () => resolve(null))
    })
  return { ask, open, metrics }
}

test('browsing is turned away while paying and probes are not', async t => {
  const { ask, metrics } = await house(t)
  let underWay = 0
  while ((await ask('GET', '/list')) === null) underWay++
  assert.ok(underWay > 100, 'room for browsing')
  assert.equal(await ask('GET', '/list?q=x'), 503)
  assert.equal(await ask('POST', '/pay/1/confirm'), null)
  assert.equal(await ask('GET', '/probe'), null)
  assert.match(await metrics.registry.metrics(), /holdfast_http_shed_total\{class="browse"\} 2/)
})

test('what ends makes room again', async t => {
  const { ask, open } = await house(t)
  while ((await ask('GET', '/list')) === null);
  const ended = open.splice(0, 50).map(response => {
    response.end()
    return once(response, 'close')
  })
  await Promise.all(ended)
  assert.equal(await ask('GET', '/list'), null)
})

test('open streams take no room', async t => {
  const { ask } = await house(t)
  for (let i = 0; i < 300; i++) assert.equal(await ask('GET', `/list/${i}/stream`), null)
  assert.equal(await ask('GET', '/list'), null)
})

test('an address with a query is the framework’s, also of those who waited for room', async t => {
  const { ask, open } = await house(t)
  assert.equal(await ask('POST', '/hold'), 299)
  assert.equal(await ask('POST', '/hold?at=once'), null)
  for (const [path, carried] of [
    ['/hold', 299],
    ['/hold?at=once', null],
  ] as const) {
    while ((await ask('GET', '/list')) === null);
    const waiting = ask('POST', path)
    setTimeout(() => open.splice(0, 20).map(response => response.end()), 5)
    assert.equal(await waiting, carried)
  }
})
