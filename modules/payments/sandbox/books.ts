import type { Clock } from '#kernel/clock.ts'
import type { Random } from '#kernel/random.ts'
import { plannedDeliveries } from './deliveries.ts'
import {
  applyRecord,
  type Charge,
  emptyTables,
  type LedgerRecord,
  type PaymentIntent,
  type Pending,
  type Refund,
  type StripeEvent,
  type Tables,
} from './objects.ts'
import { type Steering, straight } from './steering.ts'
import { missing } from './stripe-error.ts'

/** The version whose shapes these are. */
export const apiVersion = '2026-10-28.endive'

/**
 * What the sandbox knows, and the only way to change it: each change is a record of the ledger, and replaying the records makes the same
 * books. Time and chance come from outside.
 */
export class Books {
  readonly tables: Tables = emptyTables()
  readonly steering: Steering = straight()
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
  /** Where buyers are sent to, to authenticate. */
  readonly origin: () => string
  /** Of the request under way. */
  records: LedgerRecord[] = []
  request: { id: string; key: string | null } = { id: '', key: null }

  constructor(options: { clock: Pick<Clock, 'now'>; random: Random; origin: () => string }) {
    this.clock = options.clock
    this.random = options.random
    this.origin = options.origin
  }

  begin(key: string | null): void {
    this.records = []
    this.request = { id: this.id('req'), key }
  }

  intent(id: string): PaymentIntent {
    const intent = this.tables.intents.get(id)
    if (intent === undefined) throw missing('payment_intent', id)
    return intent
  }

  /** An event with the object as it is now, and its deliveries. */
  tell(type: string, object: PaymentIntent | Charge | Refund): void {
    const event: StripeEvent = {
      id: this.id('evt'),
      object: 'event',
      api_version: apiVersion,
      created: this.seconds(),
      data: { object },
      livemode: false,
      pending_webhooks: 1,
      request: { id: this.request.id, idempotency_key: this.request.key },
      type,
    }
    this.keep({ table: 'events', row: event })
    const planned = plannedDeliveries(event.id, {
      steering: this.steering,
      now: this.clock.now(),
      fraction: () => this.random.fraction(),
    })
    for (const delivery of planned) this.keep({ table: 'deliveries', row: delivery })
  }

  keepIntent(row: PaymentIntent): PaymentIntent {
    this.keep({ table: 'intents', row })
    return row
  }

  keepCharge(row: Charge): Charge {
    this.keep({ table: 'charges', row })
    return row
  }

  keepPending(id: string, change: Partial<Pending>): void {
    const before = this.tables.pending.get(id) ?? {
      id,
      capture_refused: false,
      settles_at: null,
      settles_as: null,
      authorized_at: null,
    }
    this.keep({ table: 'pending', row: { ...before, ...change } })
  }

  keep(record: LedgerRecord): void {
    applyRecord(this.tables, record)
    this.records.push(record)
  }

  id(prefix: string): string {
    // Sorts by time within a process, as Stripe's ids happen to do.
    const time = this.clock.now().toString(36).padStart(9, '0')
    return `${prefix}_${time}${this.random.bytes(9).toString('hex')}`
  }

  seconds(): number {
    return Math.floor(this.clock.now() / 1000)
  }
}
