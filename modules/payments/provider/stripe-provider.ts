import Stripe from 'stripe'
import type { Clock } from '#kernel/clock.ts'
import { parseId } from '#kernel/ids.ts'
import type { Intent, PaymentProvider, ProviderEvent, ProviderRefund } from '../ports.ts'
import { stripeUnits } from './currencies.ts'
import { faultOf } from './stripe-faults.ts'

export type StripeOptions = {
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

/** What moves a payment or a refund; the rest of Stripe's events would only fill the inbox. */
const eventTypes = [
  'payment_intent.amount_capturable_updated',
  'payment_intent.canceled',
  'payment_intent.payment_failed',
  'payment_intent.processing',
  'payment_intent.succeeded',
  'refund.created',
  'refund.failed',
  'refund.updated',
] as const

/** How Stripe names where an intent stands, and how we do. */
const statusOf: Record<string, Intent['status']> = {
  requires_payment_method: 'open',
  requires_confirmation: 'open',
  requires_action: 'open',
  processing: 'processing',
  requires_capture: 'authorized',
  succeeded: 'captured',
  canceled: 'cancelled',
}

/**
 * Stripe by its official SDK. The SDK does not repeat calls by itself: when and how often is decided by the lane and by whoever asks,
 * who know what else waits.
 */
export function createStripeProvider(options: StripeOptions): PaymentProvider {
  const { secretKey, publishableKey, webhookSecrets, origin, httpClient, timeoutMs, clock } = options
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
              metadata: { ...metadata, payment_id: paymentId },
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
            { payment_intent: ref, amount: amount * stripeUnits(currency), metadata: { refund_id: refundId } },
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

function intentOf(intent: Stripe.PaymentIntent): Intent {
  const error = intent.last_payment_error
  const currency = intent.currency.toUpperCase()
  const units = stripeUnits(currency)
  return {
    ref: intent.id,
    // A status that Stripe may invent says nothing final: wait, and ask again.
    status: statusOf[intent.status] ?? 'processing',
    amount: intent.amount / units,
    currency,
    amountCaptured: intent.status === 'succeeded' ? intent.amount_received / units : 0,
    clientSecret: intent.client_secret,
    paymentId: parseId('pay', intent.metadata.payment_id ?? ''),
    isLive: intent.livemode,
    createdAt: intent.created * 1000,
    lastDecline: error
      ? {
          // Each attempt has a charge; where there is none (authentication failed) the method names it.
          attemptRef: error.charge ?? error.payment_method?.id ?? `${intent.id} ${error.code}`,
          code: error.code ?? error.type,
          declineCode: error.decline_code ?? null,
        }
      : null,
  }
}

function refundOf(refund: Stripe.Refund): ProviderRefund {
  const { status } = refund
  return {
    ref: refund.id,
    refundId: refund.metadata?.refund_id ?? null,
    status: status === 'succeeded' ? 'succeeded' : status === 'failed' || status === 'canceled' ? 'failed' : 'pending',
    amount: refund.amount / stripeUnits(refund.currency.toUpperCase()),
  }
}

function eventOf(event: Stripe.Event): ProviderEvent {
  const object = event.data.object as { object?: string }
  const isRefund = object.object === 'refund'
  // Of the rest nothing follows; it is kept, and nobody is kept busy with it.
  const matters = (eventTypes as readonly string[]).includes(event.type)
  const refund = object as Stripe.Refund
  return {
    id: event.id,
    type: event.type,
    createdAt: event.created * 1000,
    isLive: event.livemode,
    account: event.account ?? null,
    intent: matters && object.object === 'payment_intent' ? intentOf(object as Stripe.PaymentIntent) : null,
    refund: matters && isRefund ? { ...refundOf(refund), intentRef: idOf(refund.payment_intent) } : null,
  }
}

function idOf(reference: string | { id: string } | null): string | null {
  return typeof reference === 'string' ? reference : (reference?.id ?? null)
}
