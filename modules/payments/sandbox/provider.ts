import { createHash } from 'node:crypto'
import type { Clock } from '#kernel/clock.ts'
import type { Random } from '#kernel/random.ts'
import { apiVersion, Books } from './books.ts'
import { type Form, listIn, metadataIn, textIn } from './form.ts'
import { authenticate, cancelOnRequest, captureIntent, confirmIntent, createIntent, passTime } from './intents.ts'
import { pageOf } from './lists.ts'
import { applyRecord, type LedgerRecord, type Tables } from './objects.ts'
import { refundCharge } from './refunds.ts'
import { type Steering, takeFault } from './steering.ts'
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

const answersKeptMs = 24 * 3_600_000
const limits = { perEndpoint: 25, total: 100 }
/**
 * The part of Stripe that a box office needs, as a state machine without any input or output of its own: time and chance are given to it,
 * what it changes comes back as records of a ledger, and a door carries requests to it. Replaying the records makes the same state.
 */
export class SandboxProvider {
  readonly #books: Books
  readonly #keys: SandboxKeys
  #calls = new Map<string, number[]>()

  constructor(options: { clock: Pick<Clock, 'now'>; random: Random; keys: SandboxKeys; origin: () => string }) {
    this.#books = new Books(options)
    this.#keys = options.keys
  }

  get tables(): Tables {
    return this.#books.tables
  }

  get steering(): Steering {
    return this.#books.steering
  }

  /** State from a ledger. */
  replay(records: Iterable<LedgerRecord>): void {
    for (const record of records) applyRecord(this.tables, record)
  }

  handle(request: SandboxRequest): SandboxAnswer {
    this.#books.begin(request.headers['idempotency-key'] ?? null)
    const called = endpointOf(request)
    const fault = called === null ? null : takeFault(this.steering, called, () => this.#books.random.fraction())
    if (fault?.kind === 'timeout') return this.#answer(200, {}, {}, { kind: 'silence' })
    if (fault?.kind === 'error') return this.#failure(this.#lastWord(request, new StripeError(500, apiError)))
    try {
      passTime(this.#books)
      const { status, body, headers } = this.#route(request, called)
      if (fault?.kind === 'timeout_after_effect') return this.#answer(status, body, headers, { kind: 'silence' })
      if (fault?.kind === 'error_after_effect')
        return this.#failure(this.#lastWord(request, new StripeError(500, apiError)))
      const hang = fault?.kind === 'hang' ? ({ kind: 'hang', ms: fault.hang_ms ?? 30_000 } as const) : null
      return this.#answer(status, body, headers, hang)
    } catch (error) {
      if (!(error instanceof StripeError)) throw error
      return this.#failure(error)
    }
  }

  /** What happens by itself: banks make up their minds, authorisations end. Returns the records of it. */
  elapse(): LedgerRecord[] {
    this.#books.begin(null)
    passTime(this.#books)
    return this.#books.records
  }

  /** The buyer at their bank. */
  authenticate(intentId: string, succeeds: boolean): LedgerRecord[] {
    this.#books.begin(null)
    authenticate(this.#books, intentId, succeeds)
    return this.#books.records
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
    const { key } = this.#books.request
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
    const now = this.#books.clock.now()
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

  /** The same key and parameters give the same answer again, for a day. */
  #once(
    key: string,
    request: SandboxRequest,
    work: () => unknown,
  ): { status: number; body: unknown; headers: Record<string, string> } {
    const fingerprint = fingerprintOf(request)
    const known = this.tables.answers.get(key)
    if (known !== undefined && known.at > this.#books.clock.now() - answersKeptMs) {
      if (known.fingerprint !== fingerprint)
        throw new StripeError(400, {
          type: 'idempotency_error',
          message: `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
        })
      return { status: known.status, body: known.body, headers: { 'idempotent-replayed': 'true' } }
    }
    const remember = (status: number, body: unknown) => this.#remember(key, { fingerprint, status, body })
    try {
      const body = work()
      remember(200, body)
      return { status: 200, body, headers: {} }
    } catch (error) {
      if (error instanceof StripeError && error.status === 402) remember(error.status, error.body)
      throw error
    }
  }

  /** A failure of the provider's own is an answer too: under its key it comes again for a day, whatever may have happened. */
  #lastWord(request: SandboxRequest, error: StripeError): StripeError {
    const { key } = this.#books.request
    if (key !== null && request.method === 'POST')
      this.#remember(key, { fingerprint: fingerprintOf(request), status: error.status, body: error.body })
    return error
  }

  #remember(key: string, answer: { fingerprint: string; status: number; body: unknown }): void {
    this.#books.keep({ table: 'answers', row: { id: key, ...answer, at: this.#books.clock.now() } })
  }

  #read(called: string, { path, query }: SandboxRequest): unknown {
    const id = path.split('/')[3]
    switch (called) {
      case 'retrieve': {
        const intent = this.#books.intent(id!)
        const expands = listIn(query, 'expand').includes('latest_charge') && intent.latest_charge !== null
        return expands ? { ...intent, latest_charge: this.tables.charges.get(intent.latest_charge!) } : intent
      }
      case 'list':
        return pageOf('/v1/payment_intents', [...this.tables.intents.values()], query)
      case 'refunds': {
        if (id !== undefined) return this.tables.refunds.get(id) ?? throwing(missing('refund', id))
        const of = textIn(query, 'payment_intent')
        const all = [...this.tables.refunds.values()].filter(refund => of === undefined || refund.payment_intent === of)
        return pageOf('/v1/refunds', all, query)
      }
      case 'events': {
        if (id !== undefined) return this.tables.events.get(id) ?? throwing(missing('event', id))
        const types = [...listIn(query, 'types'), ...[textIn(query, 'type') ?? []].flat()]
        const all = [...this.tables.events.values()].filter(event => types.length === 0 || types.includes(event.type))
        return pageOf('/v1/events', all, query)
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
        return createIntent(this.#books, body)
      case 'update': {
        const intent = this.#books.intent(id)
        return this.#books.keepIntent({ ...intent, metadata: { ...intent.metadata, ...metadataIn(body) } })
      }
      case 'confirm': {
        const intent = this.#books.intent(id)
        if (isPublic && textIn(body, 'client_secret') !== intent.client_secret)
          throw invalid(
            'The client_secret provided does not match the client_secret associated with the PaymentIntent.',
            {
              code: 'payment_intent_invalid_parameter',
              param: 'client_secret',
            },
          )
        return confirmIntent(this.#books, intent, body)
      }
      case 'capture':
        return captureIntent(this.#books, this.#books.intent(id), body)
      case 'cancel':
        return cancelOnRequest(this.#books, this.#books.intent(id), body)
      case 'refund':
        return refundCharge(this.#books, body)
      default:
        throw invalid(`The sandbox does not know ${path}.`)
    }
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
      headers: { 'request-id': this.#books.request.id, 'stripe-version': apiVersion, ...headers },
      body,
      records: this.#books.records,
      fault,
    }
  }
}

const apiError = { type: 'api_error', message: 'An unknown error occurred.' }

function fingerprintOf({ method, path, body }: SandboxRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([method, path, body]))
    .digest('base64url')
}

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

function throwing(error: Error): never {
  throw error
}
