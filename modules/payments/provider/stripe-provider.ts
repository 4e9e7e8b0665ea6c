import Stripe from 'stripe'
import type { Clock } from '#kernel/clock.ts'
import type { PaymentProvider } from '../ports.ts'
import { stripeUnits } from './currencies.ts'
import { faultOf } from './stripe-faults.ts'
import { eventOf, eventTypes, intentOf, refundOf } from './stripe-objects.ts'

export type StripeOptions = {
  installation: string
  secretKey: string
  publishableKey: string
  /** Any of them signs; several while one is being changed. Read each time, so that a new one needs no restart. */
  webhookSecrets: () => readonly string[]
  /** Absent: Stripe itself. The sandbox gives its own. */
  origin?: string
  httpClient?: Stripe.HttpClient
  timeoutMs: number
  clock: Clock
}

/** Stripe's documentation of webhook signatures: older than five minutes may be a replay. */
const toleranceSeconds = 300
const pageSize = 100

/**
 * Stripe by its official SDK. The SDK does not repeat calls by itself: when and how often is decided by the lane and by whoever asks,
 * who know what else waits.
 */
export function createStripeProvider(options: StripeOptions): PaymentProvider {
  const { installation, secretKey, publishableKey, webhookSecrets, origin, httpClient, timeoutMs, clock } = options
  const where = origin === undefined ? null : new URL(origin)
  const stripe = new Stripe(secretKey, {
    maxNetworkRetries: 0,
    timeout: timeoutMs,
    telemetry: false,
    ...(httpClient !== undefined && { httpClient }),
    ...(where !== null && {
      host: where.hostname,
      port: where.port,
      protocol: where.protocol === 'http:' ? 'http' : 'https',
    }),
  })
  const isLive = /^(sk|rk)_live_/.test(secretKey)

  async function call<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw faultOf(error, intentOf)
    }
  }

  return {
    name: 'stripe',
    id: where !== null ? 'sandbox' : isLive ? 'stripe' : 'stripe-test',
    installation,
    publishableKey,
    isLive,
    create: ({ paymentId, round, amount, currency, description, receiptEmail, metadata }) =>
      call(async () =>
        intentOf(
          await stripe.paymentIntents.create(
            {
              amount: amount * stripeUnits(currency),
              currency: currency.toLowerCase(),
              // Cards can be authorised now and captured when the seats are sold; most other methods cannot.
              allowed_payment_method_types: ['card'],
              capture_method: 'manual',
              description,
              ...(receiptEmail !== undefined && { receipt_email: receiptEmail }),
              metadata: { ...metadata, payment_id: paymentId, installation },
            },
            { idempotencyKey: `${paymentId}:create:${round}` },
          ),
        ),
      ),
    retrieve: ref => call(async () => intentOf(await stripe.paymentIntents.retrieve(ref))),
    capture: (ref, { paymentId, amount, currency, attempt }) =>
      call(async () =>
        intentOf(
          await stripe.paymentIntents.capture(
            ref,
            { amount_to_capture: amount * stripeUnits(currency) },
            { idempotencyKey: `${paymentId}:capture:${attempt}` },
          ),
        ),
      ),
    cancel: ref => call(async () => intentOf(await stripe.paymentIntents.cancel(ref))),
    refund: (ref, { refundId, amount, currency, round }) =>
      call(async () =>
        refundOf(
          await stripe.refunds.create(
            {
              payment_intent: ref,
              amount: amount * stripeUnits(currency),
              metadata: { refund_id: refundId, installation },
            },
            { idempotencyKey: `${refundId}:refund:${round}` },
          ),
        ),
      ),
    refundsOf: ref =>
      call(async () => {
        const { data } = await stripe.refunds.list({ payment_intent: ref, limit: pageSize })
        return data.map(refundOf)
      }),
    list: ({ createdSince, after }) =>
      call(async () => {
        const page = await stripe.paymentIntents.list({
          created: { gte: Math.floor(createdSince / 1000) },
          limit: pageSize,
          ...(after !== undefined && { starting_after: after }),
        })
        return { items: page.data.map(intentOf), hasMore: page.has_more }
      }),
    events: ({ createdSince, after }) =>
      call(async () => {
        const page = await stripe.events.list({
          created: { gte: Math.floor(createdSince / 1000) },
          types: [...eventTypes],
          limit: pageSize,
          ...(after !== undefined && { starting_after: after }),
        })
        return { items: page.data.map(eventOf), hasMore: page.has_more }
      }),
    readWebhook(body, headers) {
      const signature = headers['stripe-signature']
      if (typeof signature !== 'string') return null
      for (const secret of webhookSecrets()) {
        try {
          return eventOf(
            stripe.webhooks.constructEvent(body, signature, secret, toleranceSeconds, undefined, clock.now()),
          )
        } catch {
          // Another secret may have signed it; if none has, it is not from Stripe, and why is nobody's business.
        }
      }
      return null
    },
  }
}
