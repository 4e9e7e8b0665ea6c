import swagger from '@fastify/swagger'
import scalar from '@scalar/fastify-api-reference'
import { problems } from '#contracts/problems.ts'
import type { HttpServer } from '#platform/http/server.ts'

const problemSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'request_id'],
  properties: {
    type: { type: 'string', format: 'uri', description: 'A page that explains the problem.' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: Object.keys(problems) },
    request_id: { type: 'string' },
  },
}

/** `/openapi.json`, printed from the routes themselves. Must be registered before them. */
export async function registerOpenApi(app: HttpServer, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.1',
      info: {
        title: 'Holdfast',
        version,
        description:
          'The box office that never sells a seat twice. Money is in minor units, times are RFC 3339 in UTC, errors are RFC 9457 problems. `POST /v1/auth/guest` gives anybody a token to begin with.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
        schemas: { Problem: problemSchema as object },
      },
    },
    transform: ({ schema, url, route }) => {
      const { access = 'public' } = (route.config ?? {}) as { access?: unknown }
      return {
        schema: schema && {
          ...schema,
          ...(access === 'public' ? {} : { security: [{ bearer: [] }] }),
          response: withProblem(schema.response),
        },
        url,
      }
    },
  })
  app.get('/openapi.json', { schema: { hide: true } }, (_request, reply) =>
    reply.header('Cache-Control', 'public, max-age=60').send(app.swagger()),
  )
}

/** `/docs`: a reference page whose script and fonts come from this server alone. */
export async function registerReferencePage(app: HttpServer): Promise<void> {
  await app.register(scalar, {
    routePrefix: '/docs',
    configuration: {
      url: '/openapi.json',
      title: 'Holdfast API reference',
      proxyUrl: '',
      withDefaultFonts: false,
      hideClientButton: true,
      telemetry: false,
      agent: { disabled: true },
    } as object,
  })
}

function withProblem(response: unknown): unknown {
  return {
    ...(response as object | undefined),
    default: { description: 'A problem.', content: { 'application/problem+json': { schema: problemSchema } } },
  }
}
