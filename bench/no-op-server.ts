import { fastify } from 'fastify'
import { type HoldBody, holdBody, reservation } from '#contracts/reservations.ts'
import { createIdentity, loadTokenKeys } from '#identity'
import { systemClock as clock } from '#kernel/clock.ts'
import { systemRandom } from '#kernel/random.ts'
import { sendCacheable } from '#platform/http/cacheable.ts'
import { type AnswerTo, byFramework } from '#platform/http/direct.ts'
import { createHttpServer } from '#platform/http/server.ts'
import { createIdempotency } from '#platform/idempotency/index.ts'
import { openDatabase } from '#platform/postgres/database.ts'
import { createLogger } from '#platform/telemetry/logger.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { directPath } from './scenarios/arena-load.ts'

/**
 * What a route costs that does nothing: the same server with token, validation, request id and metrics, and a constant answer; beside it
 * the same answered directly, as the route of holds is. On a second port the bare framework with the same answer. Prints both addresses
 * as one line of JSON.
 */
const logger = createLogger('warn')
const metrics = createMetrics()
const random = systemRandom()
const db = openDatabase({ url: process.env.DATABASE_URL!, max: 1, name: 'no-op' })
const keys = await loadTokenKeys({ secret: process.env.HOLDFAST_TOKEN_SECRET, folder: '/nonexistent', clock, random })
const publicUrl = () => 'http://127.0.0.1'
const identity = createIdentity({
  db,
  clock,
  random,
  keys,
  publicUrl,
  idempotently: createIdempotency({ db }),
  logger,
  metrics,
})

const time = new Date(0).toISOString()
const seat = { seat_id: 'A-1-1', section: 'A', row: '1', number: '1', price_level: 'P1', amount: 5000 }
const held = {
  reservation_id: 'rsv_00000000000000000000000000',
  event_id: 'evt_00000000000000000000000000',
  state: 'pending_payment',
  items: [seat, { ...seat, seat_id: 'A-1-2', number: '2' }],
  amount: 10000,
  currency: 'EUR',
  created_at: time,
  expires_at: time,
  server_time: time,
  extensions_left: 1,
}
const counts = Buffer.from(
  JSON.stringify({
    event_id: held.event_id,
    version: 'x',
    as_of: time,
    sections: Array.from({ length: 60 }, (_, i) => ({
      section: String(100 + i),
      kind: 'seats',
      capacity: 500,
      available: 250,
      min_amount: 5000,
    })),
  }),
)

const app = createHttpServer({ logger, metrics, clock, random, authenticate: identity.authenticate, publicUrl })
app.post(
  '/v1/reservations',
  { config: { access: 'any', traffic: 'hold' }, schema: { body: holdBody, response: { 201: reservation } } },
  async (_request, reply) =>
    reply.status(201).header('Location', '/v1/reservations/x').header('Cache-Control', 'private, no-store').send(held),
)
const answer: AnswerTo<HoldBody> = async () => ({
  status: 201,
  headers: [
    ['content-type', 'application/json; charset=utf-8'],
    ['location', '/v1/reservations/x'],
    ['cache-control', 'private, no-store'],
  ],
  body: JSON.stringify(held),
})
app.post(
  directPath,
  { config: { access: 'any', traffic: 'hold', direct: answer }, schema: { body: holdBody } },
  byFramework(answer),
)
app.get('/v1/events/:event_id/availability', (request, reply) =>
  sendCacheable(request, reply, { etag: '"x"', cacheControl: 'public, max-age=1', body: counts }),
)

const bare = fastify()
bare.post('/v1/reservations', (_request, reply) => reply.status(201).send(held))
bare.get('/v1/events/:event_id/availability', (_request, reply) => reply.type('application/json').send(counts))

const [url, bareUrl] = await Promise.all([app.listen({ port: 0 }), bare.listen({ port: 0 })])
process.stdout.write(`${JSON.stringify({ url, bareUrl })}\n`)
