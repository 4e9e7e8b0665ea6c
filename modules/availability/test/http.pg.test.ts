import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import type { Availability } from '#contracts/availability.ts'
import { sale, until, write } from './processes.ts'
import { stateIn } from './read-snapshot.ts'

const { db, eventId, first, process } = await sale()
const { app } = first
first.start()
const eventNo = (await first.catalog.definitions.byId(eventId))!.eventNo
const get = (path: string, headers: Record<string, string> = {}) =>
  app.inject({ url: `/v1/events/${eventId}${path}`, headers })

test('sections and areas with what is free and the least amount', async () => {
  const answer = await get('/availability')
  assert.equal(answer.statusCode, 200)
  assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
  assert.equal(answer.headers['cache-control'], 'public, max-age=1')
  const { event_id, sections, as_of } = answer.json<Availability>()
  assert.equal(event_id, eventId)
  assert(Math.abs(Date.parse(as_of) - Date.now()) < 5000)
  assert.deepEqual(sections, [
    { section: 'A', kind: 'seats', capacity: 20, available: 20, min_amount: 3000 },
    { section: 'Floor', kind: 'area', area_id: 'floor', capacity: 100, available: 100, min_amount: 3000 },
  ])
})

test('what is sold elsewhere is in the next answers', async () => {
  await write(db, { eventNo, seatNos: [0, 11], status: 'sold', type: 'SeatsSold' })
  const free = async () => (await get('/availability')).json<Availability>().sections[0]!.available
  await until(async () => (await free()) === 18)
  await until(async () => stateIn((await get('/availability/snapshot')).rawPayload, 11) === 2)
  const { seats } = (await get('/seats?section=A')).json()
  assert.deepEqual([seats[0].status, seats[0].seat_id, seats[0].price_level], ['sold', 'A-1-1', 'Front'])
  assert.deepEqual([seats[1].status, seats[11].status, seats.length], ['available', 'sold', 20])
})

test('the event is found by its slug, too', async () => {
  const { slug } = (await first.catalog.definitions.byId(eventId))!
  const answer = await app.inject(`/v1/events/${slug}/availability`)
  assert.equal(answer.json().event_id, eventId)
})

test('an unchanged answer is 304, from whichever process', async () => {
  const other = process()
  other.start()
  await until(other.availability.fresh)
  for (const path of ['/availability', '/availability/snapshot', '/seats?section=A']) {
    const { headers } = await get(path)
    const again = await other.app.inject({
      url: `/v1/events/${eventId}${path}`,
      headers: { 'if-none-match': headers.etag as string },
    })
    assert.deepEqual([again.statusCode, again.body], [304, ''], path)
    assert.equal(again.headers.etag, headers.etag)
    const another = await other.app.inject({ url: `/v1/events/${eventId}${path}`, headers: { 'if-none-match': '"x"' } })
    assert.equal(another.statusCode, 200)
  }
})

test('bodies are compressed as the reader likes it', async () => {
  const plain = await get('/seats?section=A')
  assert.equal(plain.headers['content-encoding'], undefined)
  const gzip = await get('/seats?section=A', { 'accept-encoding': 'gzip' })
  assert.equal(gzip.headers['content-encoding'], 'gzip')
  assert.deepEqual(JSON.parse(gunzipSync(gzip.rawPayload).toString()).seats, plain.json().seats)
  const br = await get('/seats?section=A', { 'accept-encoding': 'gzip, br' })
  assert.deepEqual(JSON.parse(brotliDecompressSync(br.rawPayload).toString()).seats, plain.json().seats)
  assert.equal(br.headers.vary, 'Accept-Encoding')
})

test('a snapshot names its version and has two bits a seat', async () => {
  const answer = await get('/availability/snapshot')
  assert.equal(answer.headers['content-type'], 'application/octet-stream')
  assert.equal(answer.rawPayload.length, 5)
  assert.match(String(answer.headers['x-availability-version']), /^[\w-]{8}\.\d+$/)
  const head = await app.inject({ method: 'HEAD', url: `/v1/events/${eventId}/availability/snapshot` })
  assert.deepEqual([head.statusCode, head.headers.etag], [200, answer.headers.etag])
})

test('what does not exist is 404, a missing section 400', async () => {
  const paths = ['/availability', '/availability/snapshot', '/availability/stream', '/seats?section=A']
  for (const id of ['evt_00000000000000000000000000', 'nonsense!', 'no-such-slug']) {
    for (const path of paths) {
      const answer = await app.inject(`/v1/events/${id}${path}`)
      assert.deepEqual([answer.statusCode, answer.json().code], [404, 'event-not-found'], `${id}${path}`)
      assert.match(String(answer.headers['content-type']), /problem\+json/)
    }
  }
  assert.equal((await get('/seats?section=Z')).json().code, 'not-found')
  assert.deepEqual((await get('/seats')).json().errors[0].path, 'section')
})

test('drafts do not appear', async () => {
  await db.query(`update holdfast.events set status = 'draft', version = version + 1 where event_no = $1`, [eventNo])
  await first.catalog.definitions.refresh(eventNo)
  assert.equal((await get('/availability')).statusCode, 404)
  await db.query(`update holdfast.events set status = 'onsale', version = version + 1 where event_no = $1`, [eventNo])
  await first.catalog.definitions.refresh(eventNo)
  assert.equal((await get('/availability')).statusCode, 200)
})
