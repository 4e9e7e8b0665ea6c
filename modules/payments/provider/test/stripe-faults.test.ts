import assert from 'node:assert/strict'
import { test } from 'node:test'
import Stripe from 'stripe'
import { OutcomeUnknown, RetryableFault, TerminalFault } from '#kernel/faults.ts'
import { type Intent, ProviderRefusal } from '../../ports.ts'
import { faultOf, withoutSecrets } from '../stripe-faults.ts'

type Raw = ConstructorParameters<typeof Stripe.errors.StripeError>[0]

const { errors } = Stripe
const seen = { ref: 'pi_1' } as Intent
const judge = (error: unknown) => faultOf(error, () => seen)
const raw = (statusCode: number, rest: Partial<Raw> = {}) => ({ message: 'no', statusCode, ...rest }) as Raw
const lost = (code?: string) =>
  new errors.StripeConnectionError({
    message: 'An error occurred with our connection to Stripe.',
    type: 'api_error',
    ...(code !== undefined && { detail: Object.assign(new Error(code), { code }) }),
  } as Raw)

for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])
  test(`${code}: not a byte was sent, so the same call may be made again`, () => {
    assert.ok(judge(lost(code)) instanceof RetryableFault)
  })

for (const code of ['ETIMEDOUT', 'ECONNRESET', 'EPIPE', undefined])
  test(`${code ?? 'a connection lost without a code'}: it may have happened`, () => {
    assert.ok(judge(lost(code)) instanceof OutcomeUnknown)
  })

const answers: [string, Stripe.errors.StripeError, new (...args: never[]) => Error][] = [
  ['a declined card is a final no', new errors.StripeCardError(raw(402, { code: 'card_declined' })), ProviderRefusal],
  ['a wrong parameter is a final no', new errors.StripeInvalidRequestError(raw(400)), ProviderRefusal],
  ['an unknown intent is a final no', new errors.StripeInvalidRequestError(raw(404)), ProviderRefusal],
  ['another body under the same key is a final no', new errors.StripeIdempotencyError(raw(400)), ProviderRefusal],
  ['the same key still under way may be asked again', new errors.StripeAPIError(raw(409)), RetryableFault],
  [
    'a key in use may be asked again, whatever the status',
    new errors.StripeIdempotencyError(raw(400, { code: 'idempotency_key_in_use' })),
    RetryableFault,
  ],
  [
    'an object that is locked may be asked again',
    new errors.StripeInvalidRequestError(raw(400, { code: 'lock_timeout' })),
    RetryableFault,
  ],
  ['too many calls may be made again', new errors.StripeRateLimitError(raw(429)), RetryableFault],
  [
    'too many calls told with 400 may be made again as well',
    new errors.StripeRateLimitError(raw(400, { code: 'rate_limit' })),
    RetryableFault,
  ],
  ['a key that is not known helps nobody', new errors.StripeAuthenticationError(raw(401)), TerminalFault],
  ['a key that may not do this helps nobody', new errors.StripePermissionError(raw(403)), TerminalFault],
  ['an error of the provider’s own may have happened', new errors.StripeAPIError(raw(500)), OutcomeUnknown],
  ['a gateway’s time-out may have happened', new errors.StripeAPIError(raw(504)), OutcomeUnknown],
  [
    'an answer that cannot be read may have happened',
    new errors.StripeAPIError({ message: 'Invalid JSON received from the Stripe API' } as Raw),
    OutcomeUnknown,
  ],
]
for (const [sentence, error, kind] of answers)
  test(sentence, () => {
    const fault = judge(error)
    assert.ok(fault instanceof kind, `${fault.name} where ${kind.name} was expected`)
  })

test('a refusal says its code and the intent as it is now', () => {
  const intent = { id: 'pi_1' } as Stripe.PaymentIntent
  const code = 'payment_intent_unexpected_state'
  const told = judge(new errors.StripeInvalidRequestError(raw(400, { code, payment_intent: intent })))
  assert.ok(told instanceof ProviderRefusal)
  assert.deepEqual([told.code, told.intent], [code, seen])
})

test('a refusal without a code is named by its type, and has no intent where none was told', () => {
  const told = judge(
    new errors.StripeIdempotencyError(raw(400, { type: 'idempotency_error' as never })),
  ) as ProviderRefusal
  assert.deepEqual([told.code, told.intent], ['idempotency_error', null])
})

test('an error that is not the provider’s stays itself', () => {
  const bug = new TypeError('not a function')
  assert.equal(judge(bug), bug)
})

// Put together here, so that nothing that looks for secrets takes them for real ones.
const secrets = [
  ['sk', 'live', '51HoldfastHoldfast'].join('_'),
  ['rk', 'test', '51HoldfastHoldfast'].join('_'),
  ['whsec', 'HoldfastHoldfast'].join('_'),
  ['pi', '3Holdfast', 'secret', 'HoldfastHoldfast'].join('_'),
  ['sk', 'test', '********************fast'].join('_'),
]

test('no message quotes a secret', () => {
  for (const secret of secrets) {
    assert.doesNotMatch(withoutSecrets(`Invalid API Key provided: ${secret}.`), /fast/)
    for (const status of [400, 401, 402, 500]) {
      const { message } = judge(new errors.StripeAPIError(raw(status, { message: `No such thing: '${secret}'` })))
      assert.doesNotMatch(message, /Holdfast|\*fast/, `${status}: ${message}`)
    }
  }
})

test('what is no secret stays readable', () => {
  const sentence = 'Your card has insufficient funds (skip, risk, api_error).'
  assert.equal(withoutSecrets(sentence), sentence)
})
