import { timingSafeEqual } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { sendProblem } from '#platform/http/problem.ts'
import type { Routes } from '#platform/http/server.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'

export type Readiness = { ready: boolean; waitingFor: string[] }

export type OperationsOptions = {
  version: string
  metrics: Metrics
  metricsToken: string | undefined
  readiness: () => Readiness
  publicConfig: () => PublicConfig
}

const PublicConfig = Type.Object({
  version: Type.String(),
  payments: Type.Union(
    [
      Type.Object({
        provider: Type.String(),
        publishable_key: Type.String(),
        sandbox_url: Type.Union([Type.String(), Type.Null()], {
          description: 'Origin of the payment sandbox; null where real money moves.',
        }),
      }),
      Type.Null(),
    ],
    { description: 'Null where this installation takes no payments.' },
  ),
})
export type PublicConfig = Static<typeof PublicConfig>

/** What probes, load balancers and Prometheus ask. These answer also when everything else is shed. */
export function operationsRoutes(options: OperationsOptions): Routes {
  const config = { traffic: 'operations' } as const
  const schema = { hide: true }
  return app => {
    // The process is alive if its event loop answers; whatever it depends on may be away.
    app.get('/healthz', { config, schema }, (_request, reply) =>
      reply.header('Cache-Control', 'no-store').send({ status: 'ok' }),
    )
    app.get('/readyz', { config, schema }, (_request, reply) => {
      const { ready, waitingFor } = options.readiness()
      return reply
        .status(ready ? 200 : 503)
        .header('Cache-Control', 'no-store')
        .send({ status: ready ? 'ready' : 'not ready', waiting_for: waitingFor })
    })
    app.get('/version', { config, schema }, (_request, reply) =>
      reply.send({ name: 'holdfast', version: options.version, node: process.version }),
    )
    app.get(
      '/v1/config',
      {
        config,
        schema: {
          tags: ['Operations'],
          operationId: 'getConfig',
          summary: 'What a client needs to know about this installation',
          response: { 200: PublicConfig },
        },
      },
      (_request, reply) => {
        reply.header('Cache-Control', 'public, max-age=60')
        return options.publicConfig()
      },
    )
    app.get('/metrics', { config, schema }, async (request, reply) => {
      if (!mayScrape(request.headers.authorization, request.raw.socket.remoteAddress, options.metricsToken))
        return sendProblem(request, reply, 'not-found')
      return reply.type(options.metrics.registry.contentType).send(await options.metrics.registry.metrics())
    })
  }
}

/** With a token, whoever has it; without one, only this machine. */
function mayScrape(authorization: string | undefined, address: string | undefined, token: string | undefined): boolean {
  if (token === undefined) return address === '127.0.0.1' || address === '::1' || address === '::ffff:127.0.0.1'
  const given = Buffer.from(authorization ?? '')
  const expected = Buffer.from(`Bearer ${token}`)
  return given.length === expected.length && timingSafeEqual(given, expected)
}
