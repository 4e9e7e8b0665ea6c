import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { get as httpGet, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { pino } from 'pino'
import type { AvailabilityDelta, AvailabilityResync } from '#contracts/availability.ts'
import { systemRandom } from '#kernel/random.ts'
import { manualClock } from '#kernel/test/manual-clock.ts'
import { createHttpServer } from '#platform/http/server.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { EventSeats } from '../event-seats.ts'
import { availabilityRoutes } from '../http.ts'
import { KeptBodies } from '../publish/kept-bodies.ts'
import { PublishedEvent } from '../publish/published-event.ts'
import { createStreams } from '../stream/streams.ts'
import { stateIn } from './read-snapshot.ts'
import { smallEvent, smallMap } from './small-event.ts'

const tellMs = 250
const map = smallMap({ sections: [300, 300], areas: [100] })

test('a new viewer is sent to the snapshot, and then told what changes', async t => {
  const { seats, tick, watch, path } = await server(t)
  const viewer = await watch()
  const { event, data } = await viewer.next()
  assert.equal(event, 'resync')
  assert(data.version)
  const answer = await fetch(path('/snapshot'))
  const snapshot = Buffer.from(await answer.arrayBuffer())
  assert.equal(stateIn(snapshot, 7), 0)

  seats.apply({ seatNo: 7, generation: 1, status: 'sold', heldUntil: 0 })
  seats.applyArea(0, 1, 42)
  tick()
  const delta = await viewer.nextDelta()
  assert.deepEqual([delta.data.changes, delta.data.areas], [[[7, 2]], { 'floor-0': 42 }])
  assert.equal(delta.id, delta.data.version)
})

test('a viewer that comes back is told what it missed, and nothing else', async t => {
  const { seats, tick, watch } = await server(t)
  const first = await watch()
  await first.next()
  seats.apply({ seatNo: 1, generation: 1, status: 'sold', heldUntil: 0 })
  tick()
  const { id } = await first.nextDelta()
  first.close()
  seats.apply({ seatNo: 2, generation: 1, status: 'blocked', heldUntil: 0 })

  for (const again of [await watch({ 'last-event-id': id }), await watch({}, `?last_event_id=${id}`)]) {
    tick()
    assert.deepEqual((await again.next()).data.changes, [[2, 3]])
  }
})

test('the version of a snapshot is a place to go on from', async t => {
  const { seats, tick, watch, path } = await server(t)
  seats.apply({ seatNo: 1, generation: 1, status: 'sold', heldUntil: 0 })
  const answer = await fetch(path('/snapshot'))
  const version = answer.headers.get('x-availability-version')!
  seats.apply({ seatNo: 2, generation: 1, status: 'sold', heldUntil: 0 })
  const viewer = await watch({ 'last-event-id': version })
  tick()
  assert.deepEqual((await viewer.next()).data.changes, [[2, 2]])
})

test('a version of another process gets a resync', async t => {
  const { watch } = await server(t)
  const viewer = await watch({ 'last-event-id': 'AAAAAAAA.0' })
  assert.equal((await viewer.next()).event, 'resync')
})

test('a viewer that was away for too long gets a resync', async t => {
  const { seats, watch, published } = await server(t)
  const version = published.versionName(seats.version)
  for (let i = 0; i < 5000; i++) seats.applyArea(0, i, i % 2)
  const viewer = await watch({ 'last-event-id': version })
  assert.equal((await viewer.next()).event, 'resync')
})

test('what changed in the last seconds is told again after a resync: a snapshot may be older than the stream', async t => {
  const { seats, tick, watch } = await server(t)
  seats.recent.mark(0)
  seats.apply({ seatNo: 9, generation: 1, status: 'sold', heldUntil: 0 })
  const viewer = await watch()
  assert.equal((await viewer.next()).event, 'resync')
  tick()
  assert.deepEqual((await viewer.nextDelta()).data.changes, [[9, 2]])
})

test('when half the hall changes at once the doorbell rings, and no more than every two seconds', async t => {
  const { seats, tick, watch, published } = await server(t)
  const viewer = await watch({ 'last-event-id': published.versionName(seats.version) })
  const events: string[] = []
  const ended = viewer.all(event => events.push(event))
  tick(2000)
  for (let round = 1; round <= 16; round++) {
    for (let seatNo = 0; seatNo < 300; seatNo++)
      seats.apply({ seatNo, generation: round, status: round % 2 ? 'sold' : 'available', heldUntil: 0 })
    seats.recent.mark(250 * round)
    tick()
    await turn()
  }
  // Quiet again: the changes of the last seconds are still too many, those of the overlap after it are none.
  for (let round = 17; round <= 40; round++) {
    seats.recent.mark(250 * round)
    tick()
    await turn()
  }
  viewer.close()
  await ended
  assert.deepEqual(new Set(events), new Set(['resync']))
  assert(events.length >= 2 && events.length <= 5, `${events.length} resyncs in 10 s`)
})

test('many viewers at the same place get the same bytes', async t => {
  const { seats, tick, watch, published } = await server(t)
  const since = { 'last-event-id': published.versionName(seats.version) }
  const viewers = await Promise.all(Array.from({ length: 5 }, () => watch(since)))
  seats.apply({ seatNo: 1, generation: 1, status: 'sold', heldUntil: 0 })
  tick()
  const told = await Promise.all(viewers.map(viewer => viewer.next()))
  assert.equal(new Set(told.map(event => JSON.stringify(event))).size, 1)
})

test('a viewer that takes nothing is told nothing more, and later at once what holds then', async t => {
  const { seats, tick, published, streams } = await server(t)
  const reader = stubbornReader()
  streams.open(reader.request, reader.reply, 1, published.versionName(seats.version))
  const before = reader.written.length
  reader.raw.writableNeedDrain = true
  for (let generation = 1; generation <= 100; generation++) {
    seats.apply({ seatNo: generation % 2, generation, status: generation % 4 < 2 ? 'sold' : 'blocked', heldUntil: 0 })
    tick()
    await turn()
  }
  assert.equal(reader.written.length, before)
  reader.raw.writableNeedDrain = false
  tick()
  await turn()
  const told = reader.written.slice(before)
  assert.equal(told.length, 1)
  assert.match(told[0]!, /"changes":\[\[1,3\],\[0,2\]\]/)
  reader.raw.emit('close')
})

test('a viewer that takes nothing for half a minute is gone', async t => {
  const { tick, published, seats, streams } = await server(t)
  const reader = stubbornReader()
  streams.open(reader.request, reader.reply, 1, published.versionName(seats.version))
  reader.raw.writableNeedDrain = true
  for (let waited = 0; waited <= 30_000; waited += 250) {
    assert(!reader.isDestroyed())
    tick()
    await turn()
  }
  assert(reader.isDestroyed())
})

test('heartbeats come when there is nothing to tell', async t => {
  const { tick, watch, published, seats } = await server(t)
  const viewer = await watch({ 'last-event-id': published.versionName(seats.version) })
  for (let i = 0; i < 60; i++) {
    tick()
    await turn()
  }
  assert.match(await viewer.text(), /^:$/m)
})

test('an address has so many streams and no more, and gets a place back when one ends', async t => {
  const { watch, path } = await server(t, { perAddress: 2 })
  const [first] = [await watch(), await watch()]
  const refused = await fetch(path('/stream'))
  assert.equal(refused.status, 429)
  assert(Number(refused.headers.get('retry-after')) >= 5)
  assert.equal(await codeOf(refused), 'rate-limited')
  first.close()
  await statusIs(200, path('/stream'))
})

test('a process has so many streams and no more', async t => {
  const { watch, path } = await server(t, { most: 1 })
  await watch()
  const refused = await fetch(path('/stream'))
  assert.deepEqual([refused.status, await codeOf(refused)], [503, 'overloaded'])
})

test('a server that stops ends its streams', async t => {
  const { watch, app } = await server(t)
  const viewer = await watch()
  await viewer.next()
  await app.close()
  await viewer.all(() => {})
})

test('the answer is a stream that no cache keeps, and HEAD is not held open', async t => {
  const { path } = await server(t)
  const answer = await get(path('/stream'))
  t.after(() => answer.destroy())
  const { headers } = answer
  assert.equal(headers['content-type'], 'text/event-stream; charset=utf-8')
  assert.match(headers['cache-control']!, /no-store/)
  assert(headers['x-request-id'])
  assert.equal((await fetch(path('/stream'), { method: 'HEAD' })).status, 404)
})

async function server(t: TestContext, limits: { most?: number; perAddress?: number } = {}) {
  const clock = manualClock()
  const shared = { clock, random: systemRandom(), metrics: createMetrics({ processMetrics: false }) }
  const definition = smallEvent(map)
  const seats = new EventSeats(1, map)
  const published = new PublishedEvent(seats, 'here', new KeptBodies())
  const watched = { seats, published }
  const streams = createStreams({
    ...shared,
    find: () => watched,
    dbNow: clock.now,
    limits: { most: 100, perAddress: 100, ...limits },
  })
  const app = createHttpServer({
    ...shared,
    logger: pino({ level: 'silent' }),
    publicUrl: () => 'http://localhost',
    authenticate: () => 'unauthenticated',
  })
  availabilityRoutes({
    definitions: { byId: async () => definition, cached: () => definition },
    watch: () => watched,
    view: () => ({ definition, now: clock.monotonic(), databaseNow: clock.now(), asOf: clock.now() }),
    streams,
  })(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.after(() => app.close())
  const { port } = app.server.address() as AddressInfo
  const path = (end: string) => `http://127.0.0.1:${port}/v1/events/evening/availability${end}`
  return {
    app,
    streams,
    path,
    seats,
    published,
    /** Lets time pass until viewers are told. */
    tick: (ms = tellMs) => clock.advance(ms),
    watch: async (headers: Record<string, string> = {}, query = '') => {
      const answer = await get(path(`/stream${query}`), headers)
      t.after(() => answer.destroy())
      return viewerOf(answer)
    },
  }
}

/** The framework's side of a connection whose reader stops reading when the test says so. */
function stubbornReader() {
  const written: string[] = []
  let destroyed = false
  const raw = Object.assign(new EventEmitter(), {
    writableNeedDrain: false,
    writeHead() {},
    flushHeaders() {},
    write: (frame: Buffer | string) => void written.push(String(frame)),
    end: () => void raw.emit('close'),
    destroy() {
      destroyed = true
      raw.emit('close')
    },
  })
  const reply = { raw, hijack() {}, getHeaders: () => ({}) } as unknown as FastifyReply
  const request = { ip: '192.0.2.1' } as FastifyRequest
  return { written, raw, reply, request, isDestroyed: () => destroyed }
}

type Told = { id: string; event: string; data: AvailabilityDelta & AvailabilityResync }

/** A connection of its own, as a browser has for each stream. */
function get(url: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    httpGet(url, { headers, agent: false }, resolve).on('error', reject)
  })
}

function viewerOf(answer: IncomingMessage) {
  assert.equal(answer.statusCode, 200)
  const chunks = answer.setEncoding('utf8').iterator() as AsyncIterator<string>
  let text = ''
  const read = async (): Promise<boolean> => {
    const { value, done } = await chunks.next()
    text += value ?? ''
    return !done
  }
  const take = (): Told | null => {
    for (;;) {
      const end = text.indexOf('\n\n')
      if (end === -1) return null
      const lines = text.slice(0, end).split('\n')
      text = text.slice(end + 2)
      const field = (name: string) => lines.find(line => line.startsWith(`${name}: `))?.slice(name.length + 2)
      const event = field('event')
      if (event !== undefined) return { id: field('id')!, event, data: JSON.parse(field('data')!) }
    }
  }
  const next = async (): Promise<Told> => {
    for (;;) {
      const told = take()
      if (told !== null) return told
      assert(await read(), 'the stream goes on')
    }
  }
  return {
    next,
    async nextDelta(): Promise<Told> {
      for (;;) {
        const told = await next()
        if (told.event === 'delta') return told
      }
    },
    /** Everything to the end. */
    async all(hear: (event: string) => void): Promise<void> {
      for (let open = true; open; ) {
        open = await read().catch(() => false)
        for (let told = take(); told !== null; told = take()) hear(told.event)
      }
    },
    async text(): Promise<string> {
      while (!text.includes('\n:\n') && !text.startsWith(':\n')) await read()
      return text
    },
    close: () => void answer.destroy(),
  }
}

async function codeOf(answer: Response): Promise<string> {
  return ((await answer.json()) as { code: string }).code
}

/** Asks until the answer has that status. */
async function statusIs(status: number, url: string): Promise<void> {
  for (;;) {
    const answer = await get(url)
    answer.destroy()
    if (answer.statusCode === status) return
  }
}

const turn = () => new Promise(resolve => setImmediate(resolve))
