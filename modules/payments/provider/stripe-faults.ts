import Stripe from 'stripe'
import { OutcomeUnknown, RetryableFault, TerminalFault } from '#kernel/faults.ts'
import { type Intent, KeptFailure, ProviderBusy, ProviderRefusal } from '../ports.ts'

/** Failures of a connection before a byte of the request was sent. */
const neverSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ERR_INVALID_URL'])

/**
 * What a failed call means for whoever made it. A time-out, a broken connection and an error of the provider's own are unknown, never a
 * no: the money may have moved.
 *
 *   nothing happened, again later     connection refused, name not found, 429, the same key still under way (409)
 *   may have happened                 time-out, reset, unreadable answer, 5xx
 *   final no                          400, 402, 404, another body under the same key
 *   nothing will help                 401, 403: wrong or revoked key
 */
export function faultOf(error: unknown, intentOf: (intent: Stripe.PaymentIntent) => Intent): Error {
  if (!(error instanceof Stripe.errors.StripeError)) return error as Error
  const message = withoutSecrets(error.message)
  if (error instanceof Stripe.errors.StripeConnectionError) {
    const code = (error.detail as { code?: string } | undefined)?.code
    return code !== undefined && neverSent.has(code)
      ? new RetryableFault(`the payment provider is away (${code})`)
      : new OutcomeUnknown(`the payment provider did not answer (${code ?? 'connection lost'})`)
  }
  const { statusCode = 0, code } = error
  if (statusCode === 409 || code === 'idempotency_key_in_use' || code === 'lock_timeout')
    return new ProviderBusy('the payment provider is still busy with the same call', { asksForFewer: false })
  // Besides 429 the SDK knows a 400 with the code `rate_limit`.
  if (statusCode === 429 || error instanceof Stripe.errors.StripeRateLimitError)
    return new ProviderBusy('the payment provider asks for fewer calls', { asksForFewer: true })
  if (statusCode === 401 || statusCode === 403)
    return new TerminalFault(`the payment provider refuses our key: ${message}`)
  if (statusCode >= 400 && statusCode < 500) {
    const { payment_intent: intent } = error
    return new ProviderRefusal(code ?? error.rawType ?? 'refused', message, {
      intent: intent && typeof intent === 'object' ? intentOf(intent) : null,
    })
  }
  const isKept = error.headers?.['idempotent-replayed'] === 'true'
  return isKept
    ? new KeptFailure(`the payment provider keeps a failure under this key (${statusCode}): ${message}`)
    : new OutcomeUnknown(`the payment provider failed (${statusCode}): ${message}`)
}

/** Messages of the provider may quote a key or a client secret. */
export function withoutSecrets(text: string): string {
  return text.replaceAll(/\b(sk|rk|whsec|pi)_[\w*]*(_secret)?_?[\w*]{4,}/g, match => `${match.slice(0, 7)}…`)
}
