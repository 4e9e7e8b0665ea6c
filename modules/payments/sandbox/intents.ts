import type { Books } from './books.ts'
import { cardByNumber, cardsByMethod, type TestCard } from './cards.ts'
import { type Form, formIn, listIn, metadataIn, textIn, wholeNumber } from './form.ts'
import type { CardError, Charge, PaymentIntent } from './objects.ts'
import { invalid, StripeError } from './stripe-error.ts'

/** The life of a payment intent, from its making to its money or its end, as Stripe documents it. */

const authorizationMs = 7 * 24 * 3_600_000
const maximumAmount = 99_999_999

/** Minimum charges that the sandbox enforces, in Stripe's units; others have none. */
const minimums: Record<string, number> = {
  eur: 50,
  usd: 50,
  gbp: 30,
  chf: 50,
  jpy: 50,
  sek: 300,
  nok: 300,
  dkk: 250,
  pln: 200,
}

const visa: TestCard = cardsByMethod.pm_card_visa!
const declinedByBank = { code: 'card_declined', declineCode: 'generic_decline', message: 'Your card was declined.' }

export function createIntent(books: Books, body: Form): PaymentIntent {
  const amount = wholeNumber(body, 'amount')
  const currency = textIn(body, 'currency')?.toLowerCase()
  if (amount === undefined)
    throw invalid('Missing required param: amount.', { code: 'parameter_missing', param: 'amount' })
  if (currency === undefined)
    throw invalid('Missing required param: currency.', { code: 'parameter_missing', param: 'currency' })
  if (!/^[a-z]{3}$/.test(currency)) throw invalid(`Invalid currency: ${currency}.`, { param: 'currency' })
  if (amount < (minimums[currency] ?? 1))
    throw invalid(`Amount must be at least ${minimums[currency] ?? 1} ${currency}`, {
      code: 'amount_too_small',
      param: 'amount',
    })
  if (amount > maximumAmount)
    throw invalid(`Amount must be no more than ${maximumAmount}`, { code: 'amount_too_large', param: 'amount' })
  const id = books.id('pi')
  const types = listIn(body, 'allowed_payment_method_types')
  const intent = books.keepIntent({
    id,
    object: 'payment_intent',
    amount,
    amount_capturable: 0,
    amount_received: 0,
    allowed_payment_method_types: types.length > 0 ? types : null,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: textIn(body, 'capture_method') === 'manual' ? 'manual' : 'automatic',
    client_secret: `${id}_secret_${books.random.bytes(18).toString('base64url')}`,
    confirmation_method: 'automatic',
    created: books.seconds(),
    currency,
    description: textIn(body, 'description') ?? null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    metadata: metadataIn(body),
    next_action: null,
    payment_method: null,
    payment_method_types: types.length > 0 ? types : ['card'],
    receipt_email: textIn(body, 'receipt_email') ?? null,
    status: 'requires_payment_method',
  })
  books.tell('payment_intent.created', intent)
  return textIn(body, 'confirm') === 'true' ? confirmIntent(books, intent, body) : intent
}

export function confirmIntent(books: Books, intent: PaymentIntent, body: Form): PaymentIntent {
  const mayConfirm = ['requires_payment_method', 'requires_confirmation', 'requires_action']
  if (!mayConfirm.includes(intent.status)) throw unexpected(intent, 'confirmed')
  const method = textIn(body, 'payment_method')
  const number = textIn(formIn(formIn(body, 'payment_method_data') ?? {}, 'card') ?? {}, 'number')
  const card = number === undefined ? cardsByMethod[method ?? ''] : cardByNumber(number)
  if (card === null)
    throw new StripeError(402, {
      type: 'card_error',
      code: 'card_declined',
      decline_code: 'test_mode_live_card',
      message: 'This is a sandbox: only test cards work here, and yours was not stored.',
    })
  if (card === undefined)
    throw invalid(`No such PaymentMethod: '${method ?? ''}'`, { code: 'resource_missing', param: 'payment_method' })
  const trying = { ...intent, payment_method: method ?? `pm_${card.last4}`, last_payment_error: null }
  const { outcome } = card
  switch (outcome.kind) {
    case 'approved':
      return approve(books, trying, card)
    case 'capture-refused':
      return approve(books, trying, card, { captureRefused: true })
    case 'declined': {
      const declined = decline(books, { ...trying, payment_method: null }, card, outcome)
      throw new StripeError(402, { ...declined.last_payment_error, payment_intent: declined })
    }
    case 'authenticate': {
      const returnUrl = textIn(body, 'return_url') ?? null
      const url = `${books.origin()}/authenticate/${intent.id}`
      const waiting = books.keepIntent({
        ...trying,
        status: 'requires_action',
        next_action: { type: 'redirect_to_url', redirect_to_url: { url, return_url: returnUrl } },
      })
      books.tell('payment_intent.requires_action', waiting)
      return waiting
    }
    case 'processing': {
      const settles_at = books.clock.now() + books.steering.processing_ms
      books.keepPending(intent.id, { settles_at, settles_as: outcome.afterwards })
      const processing = books.keepIntent({ ...trying, status: 'processing' })
      books.tell('payment_intent.processing', processing)
      return processing
    }
  }
}

export function captureIntent(books: Books, intent: PaymentIntent, body: Form): PaymentIntent {
  if (intent.status !== 'requires_capture') throw unexpected(intent, 'captured')
  const amount = wholeNumber(body, 'amount_to_capture') ?? intent.amount_capturable
  if (amount < 1 || amount > intent.amount_capturable)
    throw invalid('The amount to capture is more than what can be captured.', {
      code: 'amount_too_large',
      param: 'amount_to_capture',
    })
  if (books.tables.pending.get(intent.id)?.capture_refused) {
    const refused = cancel(books, intent, 'automatic')
    throw new StripeError(402, {
      type: 'card_error',
      code: 'charge_expired_for_capture',
      message: 'The bank has taken the authorization back.',
      payment_intent: refused,
    })
  }
  const charge = books.keepCharge({
    ...books.tables.charges.get(intent.latest_charge!)!,
    amount_captured: amount,
    captured: true,
  })
  const captured = books.keepIntent({ ...intent, amount_capturable: 0, amount_received: amount, status: 'succeeded' })
  books.tell('charge.captured', charge)
  books.tell('payment_intent.succeeded', captured)
  return captured
}

export function cancelOnRequest(books: Books, intent: PaymentIntent, body: Form): PaymentIntent {
  const mayCancel = ['requires_payment_method', 'requires_confirmation', 'requires_action', 'requires_capture']
  if (!mayCancel.includes(intent.status)) throw unexpected(intent, 'canceled')
  return cancel(books, intent, textIn(body, 'cancellation_reason') ?? null)
}

/** The buyer at their bank. */
export function authenticate(books: Books, intentId: string, succeeds: boolean): void {
  const intent = books.tables.intents.get(intentId)
  if (intent?.status !== 'requires_action') return
  if (succeeds) approve(books, { ...intent, next_action: null }, visa)
  else
    decline(books, { ...intent, next_action: null, payment_method: null }, visa, {
      code: 'payment_intent_authentication_failure',
      message: 'The buyer did not authenticate the payment.',
    })
}

/** What happens by itself: banks make up their minds, authorisations end. */
export function passTime(books: Books): void {
  const now = books.clock.now()
  for (const pending of books.tables.pending.values()) {
    const intent = books.tables.intents.get(pending.id)!
    if (pending.settles_at !== null && pending.settles_at <= now && intent.status === 'processing') {
      books.keep({ table: 'pending', row: { ...pending, settles_at: null } })
      if (pending.settles_as === 'approved') approve(books, intent, visa)
      else decline(books, { ...intent, payment_method: null }, visa, declinedByBank)
    }
    if (
      intent.status === 'requires_capture' &&
      pending.authorized_at !== null &&
      pending.authorized_at + authorizationMs <= now
    )
      cancel(books, intent, 'automatic')
  }
}

function approve(books: Books, intent: PaymentIntent, card: TestCard, { captureRefused = false } = {}): PaymentIntent {
  const isManual = intent.capture_method === 'manual'
  const charge = books.keepCharge({
    ...newCharge(books, intent, card),
    amount_captured: isManual ? 0 : intent.amount,
    captured: !isManual,
    paid: true,
    status: 'succeeded',
  })
  const authorized_at = isManual ? books.clock.now() : null
  books.keepPending(intent.id, { capture_refused: captureRefused, authorized_at })
  const approved = books.keepIntent({
    ...intent,
    next_action: null,
    latest_charge: charge.id,
    amount_capturable: isManual ? intent.amount : 0,
    amount_received: isManual ? 0 : intent.amount,
    status: isManual ? 'requires_capture' : 'succeeded',
  })
  books.tell(isManual ? 'payment_intent.amount_capturable_updated' : 'payment_intent.succeeded', approved)
  books.tell('charge.succeeded', charge)
  return approved
}

function decline(
  books: Books,
  intent: PaymentIntent,
  card: TestCard,
  { code, declineCode, message }: { code: string; declineCode?: string; message: string },
): PaymentIntent {
  const charge = books.keepCharge({ ...newCharge(books, intent, card), failure_code: code, status: 'failed' })
  const error: CardError = {
    type: 'card_error',
    code,
    ...(declineCode !== undefined && { decline_code: declineCode }),
    message,
    charge: charge.id,
    payment_method: {
      id: `pm_${charge.id.slice(3)}`,
      object: 'payment_method',
      type: 'card',
      card: { brand: card.brand, last4: card.last4 },
    },
  }
  const declined = books.keepIntent({
    ...intent,
    status: 'requires_payment_method',
    latest_charge: charge.id,
    last_payment_error: error,
  })
  books.tell('payment_intent.payment_failed', declined)
  books.tell('charge.failed', charge)
  return declined
}

function cancel(books: Books, intent: PaymentIntent, reason: string | null): PaymentIntent {
  const cancelled = books.keepIntent({
    ...intent,
    amount_capturable: 0,
    canceled_at: books.seconds(),
    cancellation_reason: reason,
    next_action: null,
    status: 'canceled',
  })
  books.tell('payment_intent.canceled', cancelled)
  return cancelled
}

function newCharge(books: Books, intent: PaymentIntent, { brand, last4 }: TestCard): Charge {
  return {
    id: books.id('ch'),
    object: 'charge',
    amount: intent.amount,
    amount_captured: 0,
    amount_refunded: 0,
    captured: false,
    created: books.seconds(),
    currency: intent.currency,
    failure_code: null,
    livemode: false,
    paid: false,
    payment_intent: intent.id,
    payment_method_details: { type: 'card', card: { brand, last4 } },
    refunded: false,
    status: 'pending',
  }
}

function unexpected(intent: PaymentIntent, what: string): StripeError {
  return invalid(`This PaymentIntent could not be ${what} because it has a status of ${intent.status}.`, {
    code: 'payment_intent_unexpected_state',
    payment_intent: intent,
  })
}
