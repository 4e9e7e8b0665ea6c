import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventList } from '#contracts/catalog.ts'
import { importDemo } from '../index.ts'
import { catalogServer } from './catalog-server.ts'

const { app, request } = await catalogServer()
const baseUrl = await app.listen({ port: 0, host: '127.0.0.1' })
const now = Date.now()

test('the demo comes in through the API: an arena and a club on sale, one sale to come; twice is once', async () => {
  const lines: string[] = []
  const options = { baseUrl, token: 'organizer', now, log: (line: string) => lines.push(line) }
  const slugs = await importDemo(options)
  const list = (await request('GET', '/v1/events?limit=100')).json() as EventList
  assert.deepEqual(list.items.map(({ slug }) => slug).sort(), slugs.toSorted())
  const statuses = Object.groupBy(list.items, ({ status, venue }) => `${status} ${venue.city}`)
  assert.deepEqual(Object.keys(statuses).sort(), ['onsale Lisboa', 'onsale München', 'scheduled München'])
  assert.ok(list.items.every(({ starts_at }) => Date.parse(starts_at) > now))
  assert.match(lines.join('\n'), /3\d{4} seats/)
  assert.deepEqual(await importDemo(options), slugs)
  assert.equal((await request('GET', '/v1/events?limit=100')).json().items.length, slugs.length)
})

test('a refusal is told in the words of the server', async () => {
  const refused = importDemo({ baseUrl, token: 'customer', now, log: () => {} })
  await assert.rejects(refused, /POST \/v1\/venues was refused with 403/)
})
