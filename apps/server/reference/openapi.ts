import { createHash } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import swagger from '@fastify/swagger'
import type { RouteOptions } from 'fastify'
import { sendCacheable } from '#platform/http/cacheable.ts'
import type { HttpServer } from '#platform/http/server.ts'
import { examples } from './examples.ts'
import { models, sayOnce } from './models.ts'
import { problemExamples, problemResponses } from './problem-responses.ts'

const description = `The box office that never sells a seat twice.

**Begin** with \`POST /v1/auth/guest\`: it gives anybody a token. Send it as \`Authorization: Bearer <token>\`.

**Hold** with \`POST /v1/reservations\`. It is all or nothing, lasts ten minutes by the server's clock, and repeating it with the same
\`Idempotency-Key\` gives the same answer again, whatever became of the connection.

Money is in minor units of its currency, times are RFC 3339 in UTC, refusals are RFC 9457 problems with a [page for each code](/problems).
Ids are opaque. Members may be added to answers; ignore what you do not know.`

const tags = [
  {
    name: 'Catalogue',
    description: 'What is on, where, and what it costs. The same answers for everybody, made to be cached.',
  },
  { name: 'Availability', description: 'What is free. A hint, a second old at most; the hold decides.' },
  { name: 'Identity', description: 'Who is asking: guests, accounts, staff.' },
  { name: 'Reservations', description: 'Hold, extend, change, give back.' },
  { name: 'Payments', description: 'Pay for a reservation, follow it, give money back.' },
  { name: 'Tickets', description: 'What opens the door: to show, to print, to verify without a network.' },
  { name: 'Organiser', description: 'For staff: venues, seat maps, events, the sale and its books.' },
  { name: 'Operations', description: 'What a client needs to know about this installation.' },
]

/** `/openapi.json`, printed from the routes themselves. Must be registered before them. */
export async function registerOpenApi(app: HttpServer, version: string): Promise<void> {
  await app.register(swagger, {
    convertConstToEnum: false,
    openapi: {
      openapi: '3.1.1',
      info: { title: 'Holdfast', version, description, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
      // Wherever this document was fetched.
      servers: [{ url: '/' }],
      tags,
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'An access token; `POST /v1/auth/guest` gives one.' },
        },
      },
    },
    transform: ({ schema, url, route }) => ({ schema: schema && documented(schema, route), url }),
    transformObject: document => complete((document as { openapiObject: object }).openapiObject),
  })
  let published: { body: string; etag: string } | undefined
  app.get('/openapi.json', { schema: { hide: true } }, (request, reply) => {
    published ??= publish(app.swagger())
    return sendCacheable(request, reply, { ...published, cacheControl: 'public, max-age=60' })
  })
}

function publish(document: object): { body: string; etag: string } {
  const body = JSON.stringify(document)
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` }
}

type RouteSchema = NonNullable<RouteOptions['schema']>

/** What a route's own schema leaves to say: who may call it, its Idempotency-Key, and how it refuses. */
function documented(schema: RouteSchema, route: RouteOptions): RouteSchema {
  const { access = 'public' } = route.config ?? {}
  const headers = headersOf(schema, route)
  return {
    ...schema,
    security: access === 'public' ? [] : [{ bearer: [] }],
    ...(headers !== undefined && { headers }),
    response: { ...(schema.response as object | undefined), ...problemResponses(route) },
  }
}

/** As people write them. A key that a route asks for itself is required, whatever its schema lets through to be refused. */
function headersOf(schema: RouteSchema, { config, method }: RouteOptions): object | undefined {
  const { access = 'public', problems = [] } = config ?? {}
  const own = ((schema.headers ?? {}) as { properties?: Record<string, object> }).properties ?? {}
  const properties = new Map(
    Object.entries(own).map(([name, header]) => [name.replaceAll(/\b[a-z]/g, capital), header]),
  )
  if (access !== 'public' && access !== 'any' && method !== 'GET') properties.set('Idempotency-Key', optionalKey)
  if (properties.size === 0) return undefined
  const required = problems.includes('idempotency-key-required') ? ['Idempotency-Key'] : []
  return { type: 'object', properties: Object.fromEntries(properties), required }
}

const capital = (letter: string) => letter.toUpperCase()

const optionalKey = {
  type: 'string',
  maxLength: 255,
  description: 'Makes the request safe to repeat for 24 hours: the same key and body give the same answer again.',
}

function complete<Document extends object>(document: Document): Document {
  return sayOnce(withExamples(document), { schemas: models, examples: problemExamples })
}

type Media = { description?: string; content?: Record<string, { example?: unknown }> }
type Operation = { operationId?: string; requestBody?: Media; responses: Record<string, Media> }

function withExamples<Document extends object>(document: Document): Document {
  const { paths } = document as { paths: Record<string, Record<string, Operation>> }
  for (const operation of Object.values(paths).flatMap(path => Object.values(path))) {
    const { request, answer } = examples[operation.operationId ?? ''] ?? {}
    for (const media of Object.values(operation.requestBody?.content ?? {})) if (request) media.example = request
    const usual = Object.keys(operation.responses).find(status => status.startsWith('2'))
    for (const [status, response] of Object.entries(operation.responses)) {
      if (!status.startsWith('2')) continue
      if (response.description === 'Default Response') response.description = STATUS_CODES[status]!
      // Where an operation has two answers, the example is of the first, the usual one.
      if (status === usual)
        for (const [type, media] of Object.entries(response.content ?? {}))
          if (answer && type === 'application/json') media.example = answer
    }
  }
  return document
}
