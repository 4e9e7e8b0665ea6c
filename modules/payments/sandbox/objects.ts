/** The objects of Stripe's API as far as this sandbox has them; members that nobody reads are left out. Times in seconds. */

export type CardError = {
  type: 'card_error'
  code: string
  decline_code?: string
  message: string
  charge?: string
  payment_method?: { id: string; object: 'payment_method'; type: 'card'; card: { brand: string; last4: string } }
}

export type PaymentIntent = {
  id: string
  object: 'payment_intent'
  amount: number
  amount_capturable: number
  amount_received: number
  allowed_payment_method_types: string[] | null
  canceled_at: number | null
  cancellation_reason: string | null
  capture_method: 'automatic' | 'manual'
  client_secret: string
  confirmation_method: 'automatic'
  created: number
  currency: string
  description: string | null
  last_payment_error: CardError | null
  latest_charge: string | null
  livemode: false
  metadata: Record<string, string>
  next_action: { type: 'redirect_to_url'; redirect_to_url: { url: string; return_url: string | null } } | null
  payment_method: string | null
  payment_method_types: string[]
  receipt_email: string | null
  status:
    | 'requires_payment_method'
    | 'requires_confirmation'
    | 'requires_action'
    | 'processing'
    | 'requires_capture'
    | 'canceled'
    | 'succeeded'
}

export type Charge = {
  id: string
  object: 'charge'
  amount: number
  amount_captured: number
  amount_refunded: number
  captured: boolean
  created: number
  currency: string
  failure_code: string | null
  livemode: false
  paid: boolean
  payment_intent: string
  payment_method_details: { type: 'card'; card: { brand: string; last4: string } }
  refunded: boolean
  status: 'succeeded' | 'failed' | 'pending'
}

export type Refund = {
  id: string
  object: 'refund'
  amount: number
  charge: string
  created: number
  currency: string
  metadata: Record<string, string>
  payment_intent: string
  reason: string | null
  status: 'pending' | 'succeeded' | 'failed'
}

export type StripeEvent = {
  id: string
  object: 'event'
  api_version: string
  created: number
  data: { object: PaymentIntent | Charge | Refund }
  livemode: false
  pending_webhooks: number
  request: { id: string | null; idempotency_key: string | null }
  type: string
}

/** Of an intent, what is not told: what its card will do, and when. */
export type Pending = {
  id: string
  capture_refused: boolean
  settles_at: number | null
  settles_as: 'approved' | 'declined' | null
  authorized_at: number | null
}

export type Delivery = {
  id: string
  event_id: string
  /** Milliseconds. */
  due_at: number
  attempt: number
  state: 'waiting' | 'delivered' | 'dropped' | 'given-up'
  last_status: number | null
}

export type BoundAnswer = { id: string; fingerprint: string; status: number; body: unknown; at: number }

/** Everything that the ledger keeps, by kind and id: the last one of an id is what holds. */
export type Tables = {
  intents: Map<string, PaymentIntent>
  pending: Map<string, Pending>
  charges: Map<string, Charge>
  refunds: Map<string, Refund>
  events: Map<string, StripeEvent>
  deliveries: Map<string, Delivery>
  answers: Map<string, BoundAnswer>
}
export type TableName = keyof Tables
export type LedgerRecord = {
  [Name in TableName]: { table: Name; row: Tables[Name] extends Map<string, infer Row> ? Row : never }
}[TableName]

export function emptyTables(): Tables {
  return {
    intents: new Map(),
    pending: new Map(),
    charges: new Map(),
    refunds: new Map(),
    events: new Map(),
    deliveries: new Map(),
    answers: new Map(),
  }
}

export function applyRecord(tables: Tables, { table, row }: LedgerRecord): void {
  ;(tables[table] as Map<string, unknown>).set(row.id, row)
}
