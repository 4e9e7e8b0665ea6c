import assert from 'node:assert/strict'
import { test } from 'node:test'
import type Stripe from 'stripe'
import { OutcomeUnknown } from '#kernel/faults.ts'
import { newId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { KeptFailure, type PaymentProvider, ProviderRefusal } from '../../ports.ts'
import type { SteerBody } from '../../sandbox/steering.ts'

/** A sandbox behind one of its doors. */
export type Door = {
  provider: PaymentProvider
  /** The buyer's browser: the publishable key and nothing else. */
  buyer: Stripe
  /** Somebody with the secret key, for what the adapter does not do. */
  merchant: Stripe
  steer(body: SteerBody): Promise<void>
  clock: { now(): number }
}

/** What the box office relies on, said to the adapter and kept by the sandbox, whichever door is between them. */
export function providerContract(name: string, open: () => Promise<Door>): void {
  const door = open()
  const source = {
    clock: { now: () => Date.UTC(2031, 0, 1), monotonic: () => 0, sleep: async () => {} },
    random: systemRandom(),
  }
  const aPayment = () => newId('pay', source, 1)

  async function created(amount = 5000, paymentId = aPayment(), currency = 'EUR') {
    const { provider } = await door
    return provider.create({
      paymentId,
      round: 0,
      amount,
      currency,
      description: 'A test',
      metadata: { reservation_id: 'rsv_1' },
    })
  }

  async function confirm(ref: string, secret: string | null, method: string) {
    const { buyer } = await door
    return buyer.paymentIntents.confirm(ref, { payment_method: method, client_secret: secret! } as object)
  }

  async function authorized(amount?: number) {
    const intent = await created(amount)
    await confirm(intent.ref, intent.clientSecret, 'pm_card_visa')
    return intent
  }

  test(`${name}: authorise, capture, give back in two parts, and not more than was taken`, async () => {
    const { provider } = await door
    const intent = await authorized()
    assert.equal((await provider.retrieve(intent.ref)).status, 'authorized')
    const captured = await provider.capture(intent.ref, {
      paymentId: intent.paymentId!,
      amount: 5000,
      currency: 'EUR',
      attempt: 1,
    })
    assert.deepEqual([captured.status, captured.amountCaptured], ['captured', 5000])
    const first = newId('rfd', source, 1)
    assert.equal(
      (await provider.refund(intent.ref, { refundId: first, amount: 2000, currency: 'EUR', round: 0 })).status,
      'succeeded',
    )
    await provider.refund(intent.ref, { refundId: newId('rfd', source, 1), amount: 3000, currency: 'EUR', round: 0 })
    await assert.rejects(
      provider.refund(intent.ref, { refundId: newId('rfd', source, 1), amount: 1, currency: 'EUR', round: 0 }),
      (error: ProviderRefusal) => error instanceof ProviderRefusal && error.code === 'charge_already_refunded',
    )
    const refunds = await provider.refundsOf(intent.ref)
    assert.deepEqual(refunds.map(refund => refund.amount).sort(), [2000, 3000])
    assert.ok(refunds.some(refund => refund.refundId === first))
  })

  test(`${name}: what is made has the name of the installation, and keeps it`, async () => {
    const { provider } = await door
    const intent = await authorized()
    assert.equal(intent.installation, provider.installation)
    await provider.capture(intent.ref, { paymentId: intent.paymentId!, amount: 5000, currency: 'EUR', attempt: 1 })
    const back = { refundId: newId('rfd', source, 1), amount: 5000, currency: 'EUR', round: 0 }
    assert.equal((await provider.refund(intent.ref, back)).installation, provider.installation)
    const { items } = await provider.list({ createdSince: 0 })
    assert.equal(items.find(({ ref }) => ref === intent.ref)!.installation, provider.installation)
  })

  test(`${name}: the same payment makes one intent, the same refund one refund, however often it is said`, async () => {
    const { provider } = await door
    const paymentId = aPayment()
    const made = await Promise.all([created(5000, paymentId), created(5000, paymentId), created(5000, paymentId)])
    assert.equal(new Set(made.map(intent => intent.ref)).size, 1)
    // The negative control: without the same key there are two.
    assert.notEqual((await created(5000)).ref, made[0]!.ref)
    await assert.rejects(created(6000, paymentId), ProviderRefusal)
    const intent = await authorized()
    await provider.capture(intent.ref, { paymentId: intent.paymentId!, amount: 5000, currency: 'EUR', attempt: 1 })
    const refundId = newId('rfd', source, 1)
    const refunds = await Promise.all(
      [1, 2, 3].map(() => provider.refund(intent.ref, { refundId, amount: 5000, currency: 'EUR', round: 0 })),
    )
    assert.equal(new Set(refunds.map(refund => refund.ref)).size, 1)
  })

  test(`${name}: a declined card says why, and the second card works`, async () => {
    const { provider } = await door
    const intent = await created()
    await assert.rejects(
      confirm(intent.ref, intent.clientSecret, 'pm_card_chargeDeclinedInsufficientFunds'),
      (error: Stripe.errors.StripeCardError) => {
        return (
          error.type === 'StripeCardError' &&
          error.code === 'card_declined' &&
          error.decline_code === 'insufficient_funds'
        )
      },
    )
    const declined = await provider.retrieve(intent.ref)
    assert.equal(declined.status, 'open')
    assert.deepEqual(
      [declined.lastDecline!.code, declined.lastDecline!.declineCode],
      ['card_declined', 'insufficient_funds'],
    )
    await confirm(intent.ref, intent.clientSecret, 'pm_card_mastercard')
    assert.equal((await provider.retrieve(intent.ref)).status, 'authorized')
  })

  test(`${name}: what cannot be done in a state is a final no that tells the state`, async () => {
    const { provider } = await door
    const intent = await authorized()
    await provider.capture(intent.ref, { paymentId: intent.paymentId!, amount: 5000, currency: 'EUR', attempt: 1 })
    await assert.rejects(
      provider.cancel(intent.ref),
      (error: ProviderRefusal) =>
        error.code === 'payment_intent_unexpected_state' && error.intent?.status === 'captured',
    )
    await assert.rejects(provider.retrieve('pi_nobody'), (error: ProviderRefusal) => error.code === 'resource_missing')
    await assert.rejects(created(10), (error: ProviderRefusal) => error.code === 'amount_too_small')
    const open = await created()
    assert.equal((await provider.cancel(open.ref)).status, 'cancelled')
    await assert.rejects(confirm(open.ref, open.clientSecret, 'pm_card_visa'), /canceled/)
  })

  test(`${name}: a bank may refuse the capture of what it had authorised`, async () => {
    const { provider } = await door
    const intent = await created()
    await confirm(intent.ref, intent.clientSecret, 'pm_sandbox_captureRefused')
    await assert.rejects(
      provider.capture(intent.ref, { paymentId: intent.paymentId!, amount: 5000, currency: 'EUR', attempt: 1 }),
      (error: ProviderRefusal) => error instanceof ProviderRefusal && error.code === 'charge_expired_for_capture',
    )
    assert.equal((await provider.retrieve(intent.ref)).status, 'cancelled')
  })

  test(`${name}: a buyer needs the secret of their own intent, a merchant the right key, and a real card is not taken`, async () => {
    const { merchant } = await door
    const [mine, other] = [await created(), await created()]
    await assert.rejects(confirm(mine.ref, other.clientSecret, 'pm_card_visa'), /client_secret/)
    await assert.rejects(
      merchant.paymentIntents.confirm(mine.ref, {
        payment_method_data: { type: 'card', card: { number: '4111111111111111' } },
      } as object),
      /only test cards/,
    )
    await assert.rejects(merchant.paymentIntents.retrieve(mine.ref, {}, { apiKey: 'sk_test_wrong' }), /Invalid API Key/)
    assert.equal((await merchant.paymentIntents.retrieve(mine.ref)).status, 'requires_payment_method')
  })

  test(`${name}: lists come page by page, newest first, and events tell what happened in their order`, async () => {
    const { provider, merchant, clock } = await door
    const made = []
    for (let i = 0; i < 5; i++) made.push((await created()).ref)
    const first = await merchant.paymentIntents.list({ limit: 2 })
    assert.deepEqual(
      first.data.map(intent => intent.id),
      [made[4], made[3]],
    )
    assert.equal(first.has_more, true)
    const next = await merchant.paymentIntents.list({ limit: 2, starting_after: made[3]! })
    assert.deepEqual(
      next.data.map(intent => intent.id),
      [made[2], made[1]],
    )
    const all = await provider.list({ createdSince: clock.now() - 3_600_000 })
    assert.ok(made.every(ref => all.items.some(intent => intent.ref === ref)))
    const intent = await authorized()
    await provider.capture(intent.ref, { paymentId: intent.paymentId!, amount: 5000, currency: 'EUR', attempt: 1 })
    const { items } = await provider.events({ createdSince: clock.now() - 3_600_000 })
    const types = items.filter(event => event.intent?.ref === intent.ref).map(event => event.type)
    assert.deepEqual(types, ['payment_intent.succeeded', 'payment_intent.amount_capturable_updated'])
    const capturable = items.find(
      event => event.type === 'payment_intent.amount_capturable_updated' && event.intent?.ref === intent.ref,
    )
    assert.equal(capturable!.intent!.status, 'authorized', 'as it was then')
  })

  for (const [kind, happened] of [
    ['timeout_after_effect', true],
    ['error_after_effect', true],
    ['timeout', false],
  ] as const)
    test(`${name}: ${kind} is unknown, and the same call again has one effect`, async () => {
      const { provider, steer } = await door
      const intent = await authorized()
      await steer({ faults: [{ endpoint: 'capture', kind, times: 1 }] })
      const capture = () =>
        provider.capture(intent.ref, { paymentId: intent.paymentId!, amount: 5000, currency: 'EUR', attempt: 1 })
      await assert.rejects(capture(), OutcomeUnknown)
      assert.equal((await provider.retrieve(intent.ref)).status, happened ? 'captured' : 'authorized')
      // Under its key the provider's own failure comes again for a day.
      if (kind === 'error_after_effect') await assert.rejects(capture(), OutcomeUnknown)
      else assert.equal((await capture()).status, 'captured')
      assert.equal((await provider.retrieve(intent.ref)).amountCaptured, 5000)
    })

  test(`${name}: a failure that is kept under its key is not met by the next attempt`, async () => {
    const { provider, steer } = await door
    const intent = await authorized()
    const capture = (attempt: number) =>
      provider.capture(intent.ref, { paymentId: intent.paymentId!, amount: 5000, currency: 'EUR', attempt })
    await steer({ faults: [{ endpoint: 'capture', kind: 'error', times: 1 }] })
    await assert.rejects(capture(1), error => error instanceof OutcomeUnknown && !(error instanceof KeptFailure))
    await assert.rejects(capture(1), KeptFailure)
    assert.equal((await capture(2)).status, 'captured')
    const refundId = newId('rfd', source, 1)
    const refund = (round: number) => provider.refund(intent.ref, { refundId, amount: 100, currency: 'EUR', round })
    await steer({ faults: [{ endpoint: 'refund', kind: 'error', times: 1 }] })
    await assert.rejects(refund(0), OutcomeUnknown)
    await assert.rejects(refund(0), KeptFailure)
    assert.equal((await refund(1)).status, 'succeeded')
    assert.equal((await provider.refundsOf(intent.ref)).length, 1)
  })

  test(`${name}: crowns of Iceland, which the provider counts in hundredths, are crowns on both sides`, async () => {
    const { provider } = await door
    const intent = await created(4900, aPayment(), 'ISK')
    assert.deepEqual([intent.amount, intent.currency], [4900, 'ISK'])
    await confirm(intent.ref, intent.clientSecret, 'pm_card_visa')
    const money = { amount: 4900, currency: 'ISK' }
    const captured = await provider.capture(intent.ref, { ...money, paymentId: intent.paymentId!, attempt: 1 })
    assert.equal(captured.amountCaptured, 4900)
    const refund = await provider.refund(intent.ref, { ...money, refundId: newId('rfd', source, 1), round: 0 })
    assert.equal(refund.amount, 4900)
    assert.equal((await provider.refundsOf(intent.ref))[0]!.amount, 4900)
  })

  test(`${name}: rate limits are told as such`, async () => {
    const { provider, steer } = await door
    const intent = await created()
    await steer({ rate_limits: true })
    const answers = await Promise.allSettled(Array.from({ length: 40 }, () => provider.retrieve(intent.ref)))
    await steer({ rate_limits: false })
    const refused = answers.filter(answer => answer.status === 'rejected')
    assert.ok(refused.length >= 10, `${refused.length} of 40 were refused`)
    assert.ok(refused.every(answer => /fewer calls/.test(answer.reason.message)))
  })

  test(`${name}: a bank that takes its time says yes or no in the end`, async () => {
    const { provider, steer } = await door
    await steer({ processing_ms: 0 })
    const [yes, no] = [await created(), await created()]
    await confirm(yes.ref, yes.clientSecret, 'pm_sandbox_processing')
    await confirm(no.ref, no.clientSecret, 'pm_sandbox_processingFails')
    await steer({ processing_ms: 3000 })
    assert.equal((await provider.retrieve(yes.ref)).status, 'authorized')
    const failed = await provider.retrieve(no.ref)
    assert.deepEqual([failed.status, failed.lastDecline?.code], ['open', 'card_declined'])
  })
}
