import { OutcomeUnknown, RetryableFault } from '#kernel/faults.ts'
import { newId, type ReservationId } from '#kernel/ids.ts'
import type { systemRandom } from '#kernel/random.ts'
import { type CreateIntent, type Intent, type ProviderEvent, ProviderRefusal } from '#payments'
import type { PacedProvider } from '../ports.ts'

type Endpoint = 'create' | 'retrieve' | 'capture' | 'cancel' | 'refund' | 'refundsOf' | 'list' | 'events'
/** `lost`: the effect is there and its answer is not. `away`: nothing happened. `hangs` until `release`. */
type Trouble = 'lost' | 'away' | 'lost-before'

type Kept = Intent & {
  refunds: { ref: string; refundId: string; amount: number; status: 'succeeded' | 'pending' | 'failed' }[]
}

/**
 * A payment provider as a table in memory, with its promises (an intent a payment, a capture, a refund a key) and with every trouble that
 * a test wants of it. What it did is counted, so that a test can say how often money moved.
 */
export class PlayedProvider implements PacedProvider {
  readonly name = 'stripe'
  readonly id = 'stripe'
  readonly installation = 'ours'
  readonly publishableKey = 'pk_test_played'
  readonly isLive = false
  readonly intents = new Map<string, Kept>()
  readonly told: ProviderEvent[] = []
  readonly calls: string[] = []
  charged = 0
  refunded = 0
  refusesCapture = false
  refusesCreate: Error | null = null
  /** A refund is taken and its end comes later, or it ends at once. */
  refundsEnd: 'succeeded' | 'pending' = 'succeeded'
  readonly keys: string[] = []
  breakerState: 'closed' | 'open' = 'closed'
  queueMs = 0
  eventsAPage = 1000
  readonly perEndpoint = 25
  readonly #troubles: { endpoint: Endpoint; trouble: Trouble }[] = []
  readonly #source: { clock: { now(): number }; random: ReturnType<typeof systemRandom> }
  #count = 0
  /** Called before each effect; may wait, so that a test can put something in between. */
  before: (endpoint: Endpoint, ref: string) => Promise<void> = async () => {}

  constructor(source: { clock: { now(): number }; random: ReturnType<typeof systemRandom> }) {
    this.#source = source
  }

  /** The next call of this kind meets this. */
  trouble(endpoint: Endpoint, trouble: Trouble, times = 1): void {
    for (let i = 0; i < times; i++) this.#troubles.push({ endpoint, trouble })
  }

  clearTroubles(): void {
    this.#troubles.length = 0
  }

  /** What the buyer does on the provider's page. */
  confirm(ref: string, how: 'authorize' | 'charge' | 'decline' | 'process'): ProviderEvent {
    const kept = this.intents.get(ref)!
    if (kept.status === 'cancelled') throw new Error('the intent is cancelled')
    if (how === 'decline')
      kept.lastDecline = { attemptRef: `ch_${++this.#count}`, code: 'card_declined', declineCode: 'generic_decline' }
    if (how === 'authorize') kept.status = 'authorized'
    if (how === 'process') kept.status = 'processing'
    if (how === 'charge') this.#charge(kept, kept.amount)
    return this.tell(`payment_intent.${how}`, ref)
  }

  /** An event with the intent as it is now, as a webhook brings it. */
  tell(type: string, ref: string, changes: Partial<Intent> = {}): ProviderEvent {
    const event: ProviderEvent = {
      id: `evt_${++this.#count}`,
      type,
      createdAt: this.#source.clock.now(),
      isLive: false,
      account: null,
      intent: { ...this.#view(this.intents.get(ref)!), ...changes },
      refund: null,
    }
    this.told.push(event)
    return event
  }

  /** The buyer's bank gives a refund back, days after it had gone through. Its event. */
  failRefund(ref: string): ProviderEvent {
    const refund = this.intents.get(ref)!.refunds.at(-1)!
    refund.status = 'failed'
    this.refunded -= refund.amount
    return { ...this.tell('refund.failed', ref), intent: null, refund: { ...refund, intentRef: ref } }
  }

  async create({ paymentId, metadata, round, amount, currency }: CreateIntent): Promise<Intent> {
    return this.#call('create', paymentId, () => {
      if (this.refusesCreate !== null) throw this.refusesCreate
      this.keys.push(`${paymentId}:${round}`)
      const made = [...this.intents.values()].find(intent => intent.paymentId === paymentId)
      if (made !== undefined) return made
      const ref = `pi_${newId('x', { ...this.#source, clock: this.#source.clock as never }).slice(2)}`
      const kept: Kept = {
        ref,
        status: 'open',
        amount,
        currency,
        amountCaptured: 0,
        clientSecret: `${ref}_secret`,
        paymentId,
        reservationId: metadata.reservation_id as ReservationId,
        installation: this.installation,
        isLive: false,
        createdAt: this.#source.clock.now(),
        lastDecline: null,
        refunds: [],
      }
      this.intents.set(ref, kept)
      return kept
    })
  }

  retrieve(ref: string): Promise<Intent> {
    return this.#call('retrieve', ref, () => this.#find(ref))
  }

  capture(ref: string, { amount, attempt }: { amount: number; attempt: number }): Promise<Intent> {
    this.keys.push(`${ref}:${attempt}`)
    return this.#call('capture', ref, () => {
      const kept = this.#find(ref)
      if (kept.status === 'captured') return kept
      if (kept.status !== 'authorized' || this.refusesCapture)
        throw new ProviderRefusal('payment_intent_unexpected_state', 'cannot be captured', { intent: this.#view(kept) })
      this.#charge(kept, amount)
      return kept
    })
  }

  cancel(ref: string): Promise<Intent> {
    return this.#call('cancel', ref, () => {
      const kept = this.#find(ref)
      if (kept.status === 'captured' || kept.status === 'processing')
        throw new ProviderRefusal('payment_intent_unexpected_state', 'cannot be cancelled', {
          intent: this.#view(kept),
        })
      kept.status = 'cancelled'
      return kept
    })
  }

  async refund(ref: string, { refundId, amount, round }: { refundId: string; amount: number; round: number }) {
    this.keys.push(`${refundId}:${round}`)
    return this.#call('refund', ref, () => {
      const kept = this.#find(ref)
      const made = kept.refunds.find(known => known.refundId === refundId)
      if (made !== undefined) return made
      const given = kept.refunds.reduce((sum, known) => sum + (known.status === 'failed' ? 0 : known.amount), 0)
      if (given + amount > kept.amountCaptured) throw new ProviderRefusal('charge_already_refunded', 'too much')
      const refund = { ref: `re_${++this.#count}`, refundId, amount, status: this.refundsEnd }
      kept.refunds.push(refund)
      this.refunded += amount
      return refund
    })
  }

  refundsOf(ref: string) {
    return this.#call('refundsOf', ref, () => this.#find(ref).refunds)
  }

  list() {
    const items = () => ({ items: [...this.intents.values()].map(kept => this.#view(kept)), hasMore: false })
    return this.#call('list', '', items)
  }

  events({ after }: { after?: string } = {}) {
    return this.#call('events', '', () => {
      const newestFirst = [...this.told].reverse()
      const from = after === undefined ? 0 : newestFirst.findIndex(event => event.id === after) + 1
      const items = newestFirst.slice(from, from + this.eventsAPage)
      return { items, hasMore: from + items.length < newestFirst.length }
    })
  }

  readWebhook(): null {
    return null
  }

  waitMs(): number {
    return this.queueMs
  }

  breaker() {
    return this.breakerState
  }

  #find(ref: string): Kept {
    const kept = this.intents.get(ref)
    if (kept === undefined) throw new ProviderRefusal('resource_missing', `no intent ${ref}`)
    return kept
  }

  #charge(kept: Kept, amount: number): void {
    kept.status = 'captured'
    kept.amountCaptured = amount
    this.charged += amount
  }

  #view({ refunds, ...intent }: Kept): Intent {
    return { ...intent }
  }

  async #call<T extends object>(endpoint: Endpoint, ref: string, effect: () => T): Promise<T> {
    this.calls.push(endpoint)
    await this.before(endpoint, ref)
    if (this.breakerState === 'open') throw new RetryableFault('the payment provider is away')
    const at = this.#troubles.findIndex(planned => planned.endpoint === endpoint)
    const trouble = at === -1 ? null : this.#troubles.splice(at, 1)[0]!.trouble
    if (trouble === 'away') throw new RetryableFault('the payment provider is away')
    if (trouble === 'lost-before') throw new OutcomeUnknown('no answer')
    const result = effect()
    if (trouble === 'lost') throw new OutcomeUnknown('the answer was lost')
    return structuredClone(result)
  }
}
