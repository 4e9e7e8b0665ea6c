import type Stripe from 'stripe'
import { parseId } from '#kernel/ids.ts'
import type { Intent, ProviderEvent, ProviderRefund } from '../ports.ts'
import { stripeUnits } from './currencies.ts'

/** What moves a payment or a refund; the rest of Stripe's events would only fill the inbox. */
export const eventTypes = [
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

export function intentOf(intent: Stripe.PaymentIntent): Intent {
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
    reservationId: parseId('rsv', intent.metadata.reservation_id ?? ''),
    installation: intent.metadata.installation ?? null,
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

export function refundOf(refund: Stripe.Refund): ProviderRefund {
  const { status } = refund
  return {
    ref: refund.id,
    refundId: refund.metadata?.refund_id ?? null,
    installation: refund.metadata?.installation ?? null,
    status: status === 'succeeded' ? 'succeeded' : status === 'failed' || status === 'canceled' ? 'failed' : 'pending',
    amount: refund.amount / stripeUnits(refund.currency.toUpperCase()),
  }
}

export function eventOf(event: Stripe.Event): ProviderEvent {
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
