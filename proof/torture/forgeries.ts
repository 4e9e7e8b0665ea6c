import { createHmac, randomBytes } from 'node:crypto'

/** A webhook that did not come from the provider, or says what the provider would not say of this payment. */
export type Forgery = { kind: ForgeryKind; body: string; signature: string }

export const forgeryKinds = [
  'bad signature',
  'no signature',
  'old time',
  'changed bytes',
  'huge body',
  'other account',
  'live money',
  'other amount',
  'other currency',
  'unknown intent',
] as const
export type ForgeryKind = (typeof forgeryKinds)[number]

/** Signed as the provider signs, so that only what they say can give them away: these are stored, and must change nothing. */
export const wellSigned: ReadonlySet<ForgeryKind> = new Set([
  'other account',
  'live money',
  'other amount',
  'other currency',
  'unknown intent',
])

/** "This has been paid", for an intent that has not. */
export function forge(
  kind: ForgeryKind,
  {
    ref,
    paymentId,
    amount,
    secret,
    nowSeconds,
  }: {
    ref: string
    paymentId: string
    amount: number
    secret: string
    nowSeconds: number
  },
): Forgery {
  const intent = {
    id: kind === 'unknown intent' ? `pi_${randomBytes(12).toString('hex')}` : ref,
    object: 'payment_intent',
    amount: kind === 'other amount' ? 1 : amount,
    amount_received: kind === 'other amount' ? 1 : amount,
    created: nowSeconds,
    currency: kind === 'other currency' ? 'jpy' : 'eur',
    last_payment_error: null,
    livemode: kind === 'live money',
    metadata: kind === 'unknown intent' ? {} : { payment_id: paymentId },
    status: 'succeeded',
    client_secret: null,
  }
  const event = {
    id: `evt_${randomBytes(12).toString('hex')}`,
    object: 'event',
    api_version: '2026-10-28.endive',
    created: nowSeconds,
    data: { object: intent },
    livemode: kind === 'live money',
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type: 'payment_intent.succeeded',
    ...(kind === 'other account' && { account: 'acct_somebody_else' }),
    ...(kind === 'huge body' && { padding: 'x'.repeat(300_000) }),
  }
  const body = JSON.stringify(event)
  const at = kind === 'old time' ? nowSeconds - 3600 : nowSeconds
  const key = kind === 'bad signature' ? `whsec_${randomBytes(24).toString('hex')}` : secret
  const signature = `t=${at},v1=${createHmac('sha256', key).update(`${at}.${body}`).digest('hex')}`
  return {
    kind,
    body: kind === 'changed bytes' ? body.replace('"succeeded"', '"succeeded" ') : body,
    signature: kind === 'no signature' ? '' : signature,
  }
}
