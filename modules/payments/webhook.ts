import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import type { Clock } from '#kernel/clock.ts'
import { gather } from '#kernel/gather.ts'
import { sendProblem } from '#platform/http/problem.ts'
import type { Routes } from '#platform/http/server.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import { storeEvents } from './inbox.sql.ts'
import type { PaymentProvider, ProviderEvent } from './ports.ts'

export type WebhookDeps = {
  /** A connection of its own: what settles and what is paid must not keep the provider waiting. */
  db: Queryable
  provider: PaymentProvider
  clock: Clock
  metrics: Metrics
  /** Called once something was stored, to settle it soon. */
  onStored: () => void
}

const bodyMaxBytes = 256 * 1024
const storedAtOnce = 100

/**
 * Where the provider tells us what happened: verify, store, answer. Settling comes afterwards, so that the answer depends on nothing
 * but one insert, which those that come together share. What could not be stored is answered 503, and the provider repeats it; a business conflict is never an error here,
 * because a provider disables endpoints that answer with errors.
 */
export function webhookRoutes({ db, provider, clock, metrics, onStored }: WebhookDeps): Routes {
  const received = metrics.counter('holdfast_webhooks_total', 'Webhooks by what became of them.', ['outcome'])
  const lag = metrics.histogram(
    'holdfast_webhook_lag_seconds',
    'From the time that the provider gives an event to its arrival.',
    [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86_400],
  )
  // One wait for the disk for all that come while it turns.
  const store = gather(
    async (events: readonly ProviderEvent[]) => {
      const stored = await storeEvents(db, provider.id, 'webhook', events)
      // Of copies that come together one is new.
      return events.map(event => stored.delete(event.id))
    },
    { most: storedAtOnce },
  )
  return app => {
    app.register(async plain => {
      const scope = plain.withTypeProvider<TypeBoxTypeProvider>()
      // The signature covers the bytes as they came.
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: bodyMaxBytes }, (_request, body, done) =>
        done(null, body),
      )
      scope.post(
        '/v1/webhooks/payments/:provider',
        {
          config: { access: 'public', traffic: 'webhook', problems: ['not-found', 'invalid-signature'] },
          bodyLimit: bodyMaxBytes,
          schema: {
            tags: ['Payments'],
            operationId: 'receiveWebhook',
            summary: 'What the payment provider tells; signed by it',
            params: Type.Object({ provider: Type.String() }),
            response: { 200: Type.Object({ received: Type.Literal(true) }) },
          },
        },
        async (request, reply) => {
          if (request.params.provider !== provider.name) return sendProblem(request, reply, 'not-found')
          const event = Buffer.isBuffer(request.body) ? provider.readWebhook(request.body, request.headers) : null
          if (event === null) {
            received.inc({ outcome: 'refused' })
            return sendProblem(request, reply, 'invalid-signature')
          }
          const isNew = await store(event)
          received.inc({ outcome: isNew ? 'stored' : 'repeated' })
          if (isNew) {
            lag.observe(Math.max(0, clock.now() - event.createdAt) / 1000)
            onStored()
          }
          return reply.header('Cache-Control', 'private, no-store').send({ received: true as const })
        },
      )
    })
  }
}
