import { after } from 'node:test'
import { pino } from 'pino'
import type { Actor, ActorRole } from '#contracts/actor.ts'
import { systemClock } from '#kernel/clock.ts'
import { newId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { createHttpServer } from '#platform/http/server.ts'
import { createIdempotency } from '#platform/idempotency/index.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { createCatalog } from '../index.ts'
import type { EventInventory } from '../ports.ts'

/** A server with the catalogue alone; the token of a caller is the name of their role. */
export async function catalogServer() {
  const { db, advance } = await testDatabase()
  const shared = { clock: systemClock, random: systemRandom() }
  const inventories: EventInventory[] = []
  const catalog = createCatalog({
    ...shared,
    db,
    readDb: db,
    idempotently: createIdempotency({ db }),
    ports: {
      prepareInventory: async (_tx, inventory) => {
        if (inventory.seatCount === 13) throw new Error('thirteen seats cannot be prepared')
        inventories.push(inventory)
      },
    },
  })
  const users = new Map<string, Actor>()
  const app = createHttpServer({
    ...shared,
    logger: pino({ level: 'silent' }),
    metrics: createMetrics({ processMetrics: false }),
    publicUrl: () => 'http://localhost:3000',
    authenticate: ({ headers }) => {
      const role = headers.authorization?.replace('Bearer ', '') as ActorRole | undefined
      if (role === undefined) return 'unauthenticated'
      const user = users.get(role) ?? { userId: newId('usr', shared), role }
      users.set(role, user)
      return user
    },
  })
  catalog.routes(app)
  after(() => app.close())

  const request = (method: 'GET' | 'POST' | 'PATCH', url: string, options: RequestOptions = {}) => {
    const { role, body, headers = {} } = options
    const isFile = typeof body === 'string' || Buffer.isBuffer(body)
    return app.inject({
      method,
      url,
      headers: { ...(role && { authorization: `Bearer ${role}` }), ...headers },
      ...(body !== undefined && { payload: isFile ? body : JSON.stringify(body) }),
      ...(body !== undefined && !headers['content-type'] && { headers: json({ role, headers }) }),
    })
  }
  return { app, db, advance, catalog, inventories, request }
}

type RequestOptions = { role?: ActorRole; body?: object | string | Buffer; headers?: Record<string, string> }

function json({ role, headers }: { role?: ActorRole | undefined; headers: Record<string, string> }) {
  return { ...(role && { authorization: `Bearer ${role}` }), 'content-type': 'application/json', ...headers }
}
