import type Stripe from 'stripe'
import { OutcomeUnknown } from '#kernel/faults.ts'
import { KeptFailure, type PaymentProvider, ProviderBusy, ProviderRefusal } from '../ports.ts'
import { eventOf, eventTypes, intentOf, refundOf } from '../provider/stripe-objects.ts'
import type { Form } from './form.ts'
import type { SandboxAnswer, SandboxKeys, SandboxProvider, SandboxRequest } from './provider.ts'

export type ProviderEndpoint = 'create' | 'retrieve' | 'capture' | 'cancel' | 'refund' | 'refundsOf' | 'list' | 'events'

/**
 * The sandbox as the product's provider, without sockets, SDK or signatures: for a simulation, which is one process and has no time.
 * `send` carries a request there and the answer back, and may do to both what a network does.
 */
export function directProvider(options: {
  installation: string
  sandbox: SandboxProvider
  keys: SandboxKeys
  send: (endpoint: ProviderEndpoint, handle: () => SandboxAnswer) => Promise<SandboxAnswer>
}): PaymentProvider {
  const { installation, sandbox, keys, send } = options

  async function call(
    endpoint: ProviderEndpoint,
    request: Pick<SandboxRequest, 'method' | 'path'> & { query?: Form; body?: Form; key?: string },
  ): Promise<never> {
    const { method, path, query = {}, body = {}, key } = request
    const headers = {
      authorization: `Bearer ${keys.secretKey}`,
      ...(key !== undefined && { 'idempotency-key': key }),
    }
    const answer = await send(endpoint, () => sandbox.handle({ method, path, query, body, headers }))
    if (answer.fault !== null) throw new OutcomeUnknown('the payment provider did not answer')
    if (answer.status < 300) return structuredClone(answer.body) as never
    const { error } = answer.body as { error: { code?: string; type: string; message: string; payment_intent?: never } }
    if (answer.status === 429) throw new ProviderBusy(error.message, { asksForFewer: true })
    if (answer.status >= 500) {
      const Failure = answer.headers['idempotent-replayed'] === 'true' ? KeptFailure : OutcomeUnknown
      throw new Failure(`the payment provider failed (${answer.status})`)
    }
    throw new ProviderRefusal(error.code ?? error.type, error.message, {
      intent: error.payment_intent === undefined ? null : intentOf(error.payment_intent),
    })
  }

  const since = (createdSince: number): Form => ({ gte: String(Math.floor(createdSince / 1000)) })
  const page = (after?: string): Form => ({ limit: '100', ...(after !== undefined && { starting_after: after }) })

  return {
    name: 'stripe',
    id: 'sandbox',
    installation,
    publishableKey: keys.publishableKey,
    isLive: false,
    create: async ({ paymentId, round, amount, currency, description, metadata }) =>
      intentOf(
        await call('create', {
          method: 'POST',
          path: '/v1/payment_intents',
          key: `${paymentId}:create:${round}`,
          body: {
            amount: String(amount),
            currency: currency.toLowerCase(),
            capture_method: 'manual',
            description,
            metadata: { ...metadata, payment_id: paymentId, installation },
          },
        }),
      ),
    retrieve: async ref => intentOf(await call('retrieve', { method: 'GET', path: `/v1/payment_intents/${ref}` })),
    capture: async (ref, { paymentId, amount, attempt }) =>
      intentOf(
        await call('capture', {
          method: 'POST',
          path: `/v1/payment_intents/${ref}/capture`,
          key: `${paymentId}:capture:${attempt}`,
          body: { amount_to_capture: String(amount) },
        }),
      ),
    cancel: async ref => intentOf(await call('cancel', { method: 'POST', path: `/v1/payment_intents/${ref}/cancel` })),
    refund: async (ref, { refundId, amount, round }) =>
      refundOf(
        await call('refund', {
          method: 'POST',
          path: '/v1/refunds',
          key: `${refundId}:refund:${round}`,
          body: { payment_intent: ref, amount: String(amount), metadata: { refund_id: refundId, installation } },
        }),
      ),
    async refundsOf(ref) {
      const query = { payment_intent: ref, ...page() }
      const { data }: Stripe.ApiList<Stripe.Refund> = await call('refundsOf', {
        method: 'GET',
        path: '/v1/refunds',
        query,
      })
      return data.map(refundOf)
    },
    async list({ createdSince, after }) {
      const query = { created: since(createdSince), ...page(after) }
      const { data, has_more }: Stripe.ApiList<Stripe.PaymentIntent> = await call('list', {
        method: 'GET',
        path: '/v1/payment_intents',
        query,
      })
      return { items: data.map(intentOf), hasMore: has_more }
    },
    async events({ createdSince, after }) {
      const query = { created: since(createdSince), types: [...eventTypes], ...page(after) }
      const { data, has_more }: Stripe.ApiList<Stripe.Event> = await call('events', {
        method: 'GET',
        path: '/v1/events',
        query,
      })
      return { items: data.map(eventOf), hasMore: has_more }
    },
    readWebhook: () => null,
  }
}
