import { createHash } from 'node:crypto'
import type { Clock } from '#kernel/clock.ts'
import type { Random } from '#kernel/random.ts'
import { cardByNumber, cardsByMethod, type TestCard } from './cards.ts'
import { plannedDeliveries } from './deliveries.ts'
import { type Form, formIn, listIn, textIn } from './form.ts'
import {
  applyRecord,
  type CardError,
  type Charge,
  emptyTables,
  type LedgerRecord,
  type PaymentIntent,
  type Pending,
  type Refund,
  type StripeEvent,
  type Tables,
} from './objects.ts'
import { type Steering, straight, takeFault } from './steering.ts'
import { invalid, missing, StripeError } from './stripe-error.ts'

export type SandboxRequest = {
  method: string
  /** Without the query. */
  path: string
  query: Form
  body: Form
  headers: Record<string, string | undefined>
}

export type SandboxAnswer = {
  status: number
  headers: Record<string, string>
  body: unknown
  /** What has to be in the ledger before this answer may leave. */
  records: LedgerRecord[]
  /** The door must not answer (`silence`), or only after a while. */
  fault: { kind: 'silence' } | { kind: 'hang'; ms: number } | null
}

export type SandboxKeys = { secretKey: string; publishableKey: string }

/** The version whose shapes these are. */
const apiVersion = '2026-10-28.endive'
const answersKeptMs = 24 * 3_600_000
const authorizationMs = 7 * 24 * 3_600_000
const limits = { perEndpoint: 25, total: 100 }
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

/**
 * The part of Stripe that a box office needs, as a state machine without any input or output of its own: time and chance are given to it,
 * what it changes comes back as records of a ledger, and a door carries requests to it. Replaying the records makes the same state.
 */
export class SandboxProvider {
  readonly tables: Tables = emptyTables()
  readonly steering: Steering = straight()
  readonly #clock: Pick<Clock, 'now'>
  readonly #random: Random
  readonly #keys: SandboxKeys
  readonly #origin: () => string
  #records: LedgerRecord[] = []
  #calls = new Map<string, number[]>()
  #request: { id: string; key: string | null } = { id: '', key: null }

  constructor(options: { clock: Pick<Clock, 'now'>; random: Random; keys: SandboxKeys; origin: () => string }) {
    this.#clock = options.clock
    this.#random = options.random
    this.#keys = options.keys
    this.#origin = options.origin
  }

  /** State from a ledger. */
  replay(records: Iterable<LedgerRecord>): void {
    for (const record of records) applyRecord(this.tables, record)
  }

  handle(request: SandboxRequest): SandboxAnswer {
    this.#records = []
    this.#request = { id: this.#id('req'), key: request.headers['idempotency-key'] ?? null }
    const called = endpointOf(request)
    const fault = called === null ? null : takeFault(this.steering, called, () => this.#random.fraction())
    if (fault?.kind === 'timeout') return this.#answer(200, {}, {}, { kind: 'silence' })
    if (fault?.kind === 'error') return this.#failure(new StripeError(500, apiError))
    try {
      this.passTime()
      const { status, body, headers } = this.#route(request, called)
      if (fault?.kind === 'timeout_after_effect') return this.#answer(status, body, headers, { kind: 'silence' })
      if (fault?.kind === 'error_after_effect') return this.#failure(new StripeError(500, apiError))
      const hang = fault?.kind === 'hang' ? ({ kind: 'hang', ms: fault.hang_ms ?? 30_000 } as const) : null
      return this.#answer(status, body, headers, hang)
    } catch (error) {
      if (!(error instanceof StripeError)) throw error
      return this.#failure(error)
    }
  }

  /** What happens by itself: banks make up their minds, authorisations end. Returns the records of it. */
  elapse(): LedgerRecord[] {
    this.#records = []
    this.#request = { id: this.#id('req'), key: null }
    this.passTime()
    return this.#records
  }

  /** The buyer at their bank. */
  authenticate(intentId: string, succeeds: boolean): LedgerRecord[] {
    this.#records = []
    const intent = this.tables.intents.get(intentId)
    if (intent?.status !== 'requires_action') return []
    if (succeeds) this.#approve({ ...intent, next_action: null }, visa)
    else
      this.#decline({ ...intent, next_action: null, payment_method: null }, visa, {
        code: 'payment_intent_authentication_failure',
        message: 'The buyer did not authenticate the payment.',
      })
    return this.#records
  }

  private passTime(): void {
    const now = this.#clock.now()
    for (const pending of this.tables.pending.values()) {
      const intent = this.tables.intents.get(pending.id)!
      if (pending.settles_at !== null && pending.settles_at <= now && intent.status === 'processing') {
        this.#keep({ table: 'pending', row: { ...pending, settles_at: null } })
        if (pending.settles_as === 'approved') this.#approve(intent, visa)
        else this.#decline({ ...intent, payment_method: null }, visa, declinedByBank)
      }
      if (
        intent.status === 'requires_capture' &&
        pending.authorized_at !== null &&
        pending.authorized_at + authorizationMs <= now
      )
        this.#cancel(intent, 'automatic')
    }
  }

  #route(
    request: SandboxRequest,
    called: string | null,
  ): { status: number; body: unknown; headers: Record<string, string> } {
    const isPublic = this.#authorize(request, called)
    if (called === null)
      throw new StripeError(404, {
        type: 'invalid_request_error',
        message: `Unrecognized request URL (${request.method}: ${request.path}).`,
      })
    this.#pace(called)
    const ok = (body: unknown) => ({ status: 200, body, headers: {} })
    if (request.method !== 'POST') return ok(this.#read(called, request))
    const { key } = this.#request
    if (key === null) return ok(this.#write(called, request, isPublic))
    return this.#once(key, request, () => this.#write(called, request, isPublic))
  }

  /** True for a browser with the publishable key. */
  #authorize({ headers, body, query }: SandboxRequest, called: string | null): boolean {
    const given = headers.authorization ?? ''
    const key = given.startsWith('Basic ')
      ? Buffer.from(given.slice(6), 'base64').toString().split(':')[0]
      : (given.match(/^Bearer (.+)$/)?.[1] ?? textIn(body, 'key') ?? textIn(query, 'key'))
    if (key === this.#keys.secretKey) return false
    if (key === this.#keys.publishableKey && (called === 'confirm' || called === 'retrieve')) return true
    throw new StripeError(401, {
      type: 'invalid_request_error',
      message: key === undefined ? 'You did not provide an API key.' : 'Invalid API Key provided.',
    })
  }

  #pace(called: string): void {
    if (!this.steering.rate_limits) return
    const now = this.#clock.now()
    for (const [name, most] of [
      [called, limits.perEndpoint],
      ['all', limits.total],
    ] as const) {
      const recent = (this.#calls.get(name) ?? []).filter(at => at > now - 1000)
      this.#calls.set(name, recent)
      if (recent.length >= most)
        throw new StripeError(
          429,
          { type: 'invalid_request_error', code: 'rate_limit', message: 'Too many requests hit the API too quickly.' },
          { 'stripe-rate-limited-reason': name === 'all' ? 'global-rate' : 'endpoint-rate', 'retry-after': '1' },
        )
      recent.push(now)
    }
  }

  /** The same key and parameters give the same answer again, for a day; a failure of ours is not remembered. */
  #once(
    key: string,
    request: SandboxRequest,
    work: () => unknown,
  ): { status: number; body: unknown; headers: Record<string, string> } {
    const fingerprint = createHash('sha256')
      .update(JSON.stringify([request.method, request.path, request.body]))
      .digest('base64url')
    const known = this.tables.answers.get(key)
    if (known !== undefined && known.at > this.#clock.now() - answersKeptMs) {
      if (known.fingerprint !== fingerprint)
        throw new StripeError(400, {
          type: 'idempotency_error',
          message: `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
        })
      return { status: known.status, body: known.body, headers: { 'idempotent-replayed': 'true' } }
    }
    const remember = (status: number, body: unknown) =>
      this.#keep({ table: 'answers', row: { id: key, fingerprint, status, body, at: this.#clock.now() } })
    try {
      const body = work()
      remember(200, body)
      return { status: 200, body, headers: {} }
    } catch (error) {
      if (error instanceof StripeError && error.status === 402) remember(error.status, error.body)
      throw error
    }
  }

  #read(called: string, { path, query }: SandboxRequest): unknown {
    const id = path.split('/')[3]
    switch (called) {
      case 'retrieve': {
        const intent = this.#intent(id!)
        const expands = listIn(query, 'expand').includes('latest_charge') && intent.latest_charge !== null
        return expands ? { ...intent, latest_charge: this.tables.charges.get(intent.latest_charge!) } : intent
      }
      case 'list':
        return this.#page('/v1/payment_intents', [...this.tables.intents.values()], query)
      case 'refunds': {
        if (id !== undefined) return this.tables.refunds.get(id) ?? throwing(missing('refund', id))
        const of = textIn(query, 'payment_intent')
        const all = [...this.tables.refunds.values()].filter(refund => of === undefined || refund.payment_intent === of)
        return this.#page('/v1/refunds', all, query)
      }
      case 'events': {
        if (id !== undefined) return this.tables.events.get(id) ?? throwing(missing('event', id))
        const types = [...listIn(query, 'types'), ...[textIn(query, 'type') ?? []].flat()]
        const all = [...this.tables.events.values()].filter(event => types.length === 0 || types.includes(event.type))
        return this.#page('/v1/events', all, query)
      }
      case 'charge':
        return this.tables.charges.get(id!) ?? throwing(missing('charge', id!))
      default:
        return { id: 'acct_sandbox', object: 'account', charges_enabled: true, country: 'DE', default_currency: 'eur' }
    }
  }

  #write(called: string, { path, body }: SandboxRequest, isPublic: boolean): unknown {
    const id = path.split('/')[3]!
    switch (called) {
      case 'create':
        return this.#create(body)
      case 'update': {
        const intent = this.#intent(id)
        return this.#keepIntent({ ...intent, metadata: { ...intent.metadata, ...metadataIn(body) } })
      }
      case 'confirm': {
        const intent = this.#intent(id)
        if (isPublic && textIn(body, 'client_secret') !== intent.client_secret)
          throw invalid(
            'The client_secret provided does not match the client_secret associated with the PaymentIntent.',
            {
              code: 'payment_intent_invalid_parameter',
              param: 'client_secret',
            },
          )
        return this.#confirm(intent, body)
      }
      case 'capture':
        return this.#capture(this.#intent(id), body)
      case 'cancel':
        return this.#cancelOnRequest(this.#intent(id), body)
      case 'refund':
        return this.#refund(body)
      default:
        throw invalid(`The sandbox does not know ${path}.`)
    }
  }

  #create(body: Form): PaymentIntent {
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
    const id = this.#id('pi')
    const types = listIn(body, 'allowed_payment_method_types')
    const intent = this.#keepIntent({
      id,
      object: 'payment_intent',
      amount,
      amount_capturable: 0,
      amount_received: 0,
      allowed_payment_method_types: types.length > 0 ? types : null,
      canceled_at: null,
      cancellation_reason: null,
      capture_method: textIn(body, 'capture_method') === 'manual' ? 'manual' : 'automatic',
      client_secret: `${id}_secret_${this.#random.bytes(18).toString('base64url')}`,
      confirmation_method: 'automatic',
      created: this.#seconds(),
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
    this.#tell('payment_intent.created', intent)
    return textIn(body, 'confirm') === 'true' ? this.#confirm(intent, body) : intent
  }

  #confirm(intent: PaymentIntent, body: Form): PaymentIntent {
    const mayConfirm = ['requires_payment_method', 'requires_confirmation', 'requires_action']
    if (!mayConfirm.includes(intent.status)) throw this.#unexpected(intent, 'confirmed')
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
        return this.#approve(trying, card)
      case 'capture-refused':
        return this.#approve(trying, card, { captureRefused: true })
      case 'declined': {
        const declined = this.#decline({ ...trying, payment_method: null }, card, outcome)
        throw new StripeError(402, { ...declined.last_payment_error, payment_intent: declined })
      }
      case 'authenticate': {
        const returnUrl = textIn(body, 'return_url') ?? null
        const url = `${this.#origin()}/authenticate/${intent.id}`
        const waiting = this.#keepIntent({
          ...trying,
          status: 'requires_action',
          next_action: { type: 'redirect_to_url', redirect_to_url: { url, return_url: returnUrl } },
        })
        this.#tell('payment_intent.requires_action', waiting)
        return waiting
      }
      case 'processing': {
        const settles_at = this.#clock.now() + this.steering.processing_ms
        this.#keepPending(intent.id, { settles_at, settles_as: outcome.afterwards })
        const processing = this.#keepIntent({ ...trying, status: 'processing' })
        this.#tell('payment_intent.processing', processing)
        return processing
      }
    }
  }

  #approve(intent: PaymentIntent, card: TestCard, { captureRefused = false } = {}): PaymentIntent {
    const isManual = intent.capture_method === 'manual'
    const charge = this.#keepCharge({
      ...this.#charge(intent, card),
      amount_captured: isManual ? 0 : intent.amount,
      captured: !isManual,
      paid: true,
      status: 'succeeded',
    })
    const authorized_at = isManual ? this.#clock.now() : null
    this.#keepPending(intent.id, { capture_refused: captureRefused, authorized_at })
    const approved = this.#keepIntent({
      ...intent,
      next_action: null,
      latest_charge: charge.id,
      amount_capturable: isManual ? intent.amount : 0,
      amount_received: isManual ? 0 : intent.amount,
      status: isManual ? 'requires_capture' : 'succeeded',
    })
    this.#tell(isManual ? 'payment_intent.amount_capturable_updated' : 'payment_intent.succeeded', approved)
    this.#tell('charge.succeeded', charge)
    return approved
  }

  #decline(
    intent: PaymentIntent,
    card: TestCard,
    { code, declineCode, message }: { code: string; declineCode?: string; message: string },
  ): PaymentIntent {
    const charge = this.#keepCharge({ ...this.#charge(intent, card), failure_code: code, status: 'failed' })
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
    const declined = this.#keepIntent({
      ...intent,
      status: 'requires_payment_method',
      latest_charge: charge.id,
      last_payment_error: error,
    })
    this.#tell('payment_intent.payment_failed', declined)
    this.#tell('charge.failed', charge)
    return declined
  }

  #capture(intent: PaymentIntent, body: Form): PaymentIntent {
    if (intent.status !== 'requires_capture') throw this.#unexpected(intent, 'captured')
    const amount = wholeNumber(body, 'amount_to_capture') ?? intent.amount_capturable
    if (amount < 1 || amount > intent.amount_capturable)
      throw invalid('The amount to capture is more than what can be captured.', {
        code: 'amount_too_large',
        param: 'amount_to_capture',
      })
    if (this.tables.pending.get(intent.id)?.capture_refused) {
      const refused = this.#cancel(intent, 'automatic')
      throw new StripeError(402, {
        type: 'card_error',
        code: 'charge_expired_for_capture',
        message: 'The bank has taken the authorization back.',
        payment_intent: refused,
      })
    }
    const charge = this.#keepCharge({
      ...this.tables.charges.get(intent.latest_charge!)!,
      amount_captured: amount,
      captured: true,
    })
    const captured = this.#keepIntent({ ...intent, amount_capturable: 0, amount_received: amount, status: 'succeeded' })
    this.#tell('charge.captured', charge)
    this.#tell('payment_intent.succeeded', captured)
    return captured
  }

  #cancelOnRequest(intent: PaymentIntent, body: Form): PaymentIntent {
    const mayCancel = ['requires_payment_method', 'requires_confirmation', 'requires_action', 'requires_capture']
    if (!mayCancel.includes(intent.status)) throw this.#unexpected(intent, 'canceled')
    return this.#cancel(intent, textIn(body, 'cancellation_reason') ?? null)
  }

  #cancel(intent: PaymentIntent, reason: string | null): PaymentIntent {
    const cancelled = this.#keepIntent({
      ...intent,
      amount_capturable: 0,
      canceled_at: this.#seconds(),
      cancellation_reason: reason,
      next_action: null,
      status: 'canceled',
    })
    this.#tell('payment_intent.canceled', cancelled)
    return cancelled
  }

  #refund(body: Form): Refund {
    const intent = this.#intent(textIn(body, 'payment_intent') ?? '')
    const charge = intent.latest_charge === null ? undefined : this.tables.charges.get(intent.latest_charge)
    if (charge === undefined || !charge.captured)
      throw invalid('This PaymentIntent does not have a successful charge to refund.', {
        code: 'payment_intent_unexpected_state',
      })
    const left = charge.amount_captured - charge.amount_refunded
    const amount = wholeNumber(body, 'amount') ?? left
    if (left === 0) throw invalid(`Charge ${charge.id} has already been refunded.`, { code: 'charge_already_refunded' })
    if (amount < 1 || amount > left)
      throw invalid(`Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`, {
        param: 'amount',
      })
    const refund: Refund = {
      id: this.#id('re'),
      object: 'refund',
      amount,
      charge: charge.id,
      created: this.#seconds(),
      currency: intent.currency,
      metadata: metadataIn(body),
      payment_intent: intent.id,
      reason: textIn(body, 'reason') ?? null,
      status: 'succeeded',
    }
    this.#keep({ table: 'refunds', row: refund })
    const refunded = charge.amount_refunded + amount
    const kept = this.#keepCharge({
      ...charge,
      amount_refunded: refunded,
      refunded: refunded === charge.amount_captured,
    })
    this.#tell('refund.created', refund)
    this.#tell('charge.refunded', kept)
    return refund
  }

  #charge(intent: PaymentIntent, { brand, last4 }: TestCard): Charge {
    return {
      id: this.#id('ch'),
      object: 'charge',
      amount: intent.amount,
      amount_captured: 0,
      amount_refunded: 0,
      captured: false,
      created: this.#seconds(),
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

  /** An event with the object as it is now, and its deliveries. */
  #tell(type: string, object: PaymentIntent | Charge | Refund): void {
    const event: StripeEvent = {
      id: this.#id('evt'),
      object: 'event',
      api_version: apiVersion,
      created: this.#seconds(),
      data: { object },
      livemode: false,
      pending_webhooks: 1,
      request: { id: this.#request.id, idempotency_key: this.#request.key },
      type,
    }
    this.#keep({ table: 'events', row: event })
    const planned = plannedDeliveries(event.id, {
      steering: this.steering,
      now: this.#clock.now(),
      fraction: () => this.#random.fraction(),
    })
    for (const delivery of planned) this.#keep({ table: 'deliveries', row: delivery })
  }

  #page<Row extends { id: string; created: number }>(url: string, rows: Row[], query: Form): object {
    const created = formIn(query, 'created') ?? {}
    const bound = (name: string) => wholeNumber(created, name)
    const limit = wholeNumber(query, 'limit') ?? 10
    if (limit < 1 || limit > 100) throw invalid('limit must be between 1 and 100.', { param: 'limit' })
    const newestFirst = rows
      .filter(row => row.created >= (bound('gte') ?? 0) && row.created > (bound('gt') ?? -1))
      .filter(
        row =>
          row.created <= (bound('lte') ?? Number.MAX_SAFE_INTEGER) &&
          row.created < (bound('lt') ?? Number.MAX_SAFE_INTEGER),
      )
      .reverse()
    const after = textIn(query, 'starting_after')
    const start = after === undefined ? 0 : newestFirst.findIndex(row => row.id === after) + 1
    if (after !== undefined && start === 0) throw missing('object', after)
    const data = newestFirst.slice(start, start + limit)
    return { object: 'list', url, has_more: start + limit < newestFirst.length, data }
  }

  #intent(id: string): PaymentIntent {
    return this.tables.intents.get(id) ?? throwing(missing('payment_intent', id))
  }

  #unexpected(intent: PaymentIntent, what: string): StripeError {
    return invalid(`This PaymentIntent could not be ${what} because it has a status of ${intent.status}.`, {
      code: 'payment_intent_unexpected_state',
      payment_intent: intent,
    })
  }

  #keepIntent(row: PaymentIntent): PaymentIntent {
    this.#keep({ table: 'intents', row })
    return row
  }

  #keepCharge(row: Charge): Charge {
    this.#keep({ table: 'charges', row })
    return row
  }

  #keepPending(id: string, change: Partial<Pending>): void {
    const before = this.tables.pending.get(id) ?? {
      id,
      capture_refused: false,
      settles_at: null,
      settles_as: null,
      authorized_at: null,
    }
    this.#keep({ table: 'pending', row: { ...before, ...change } })
  }

  #keep(record: LedgerRecord): void {
    applyRecord(this.tables, record)
    this.#records.push(record)
  }

  #failure(error: StripeError): SandboxAnswer {
    return this.#answer(error.status, error.body, error.headers, null)
  }

  #answer(
    status: number,
    body: unknown,
    headers: Record<string, string>,
    fault: SandboxAnswer['fault'],
  ): SandboxAnswer {
    return {
      status,
      headers: { 'request-id': this.#request.id, 'stripe-version': apiVersion, ...headers },
      body,
      records: this.#records,
      fault,
    }
  }

  #id(prefix: string): string {
    // Sorts by time within a process, as Stripe's ids happen to do.
    const time = this.#clock.now().toString(36).padStart(9, '0')
    return `${prefix}_${time}${this.#random.bytes(9).toString('hex')}`
  }

  #seconds(): number {
    return Math.floor(this.#clock.now() / 1000)
  }
}

const visa: TestCard = cardsByMethod.pm_card_visa!
const declinedByBank = { code: 'card_declined', declineCode: 'generic_decline', message: 'Your card was declined.' }
const apiError = { type: 'api_error', message: 'An unknown error occurred.' }

/** The endpoint's name in limits and faults; null for what this sandbox does not have. */
function endpointOf({ method, path }: SandboxRequest): string | null {
  const [, v1, kind, id, action] = path.split('/')
  if (v1 !== 'v1') return null
  if (kind === 'payment_intents') {
    if (method === 'POST') return id === undefined ? 'create' : (action ?? 'update')
    return id === undefined ? 'list' : 'retrieve'
  }
  if (kind === 'refunds') return method === 'POST' ? 'refund' : 'refunds'
  if (method !== 'GET') return null
  return kind === 'events'
    ? 'events'
    : kind === 'charges' && id !== undefined
      ? 'charge'
      : kind === 'account'
        ? 'account'
        : null
}

function metadataIn(body: Form): Record<string, string> {
  const entries = Object.entries(formIn(body, 'metadata') ?? {})
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

function wholeNumber(body: Form, name: string): number | undefined {
  const text = textIn(body, name)
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text))
    throw invalid(`Invalid integer: ${text}`, { code: 'parameter_invalid_integer', param: name })
  return Number(text)
}

function throwing(error: Error): never {
  throw error
}
