import { defineTable } from '#platform/memory/table.ts'
import type { StoredEvent } from '../inbox.sql.ts'
import type { PaymentStatus } from '../payment.ts'
import type { PaymentRow } from '../payments.sql.ts'

/**
 * The tables of db/migrations/0012-payments.sql with their constraints. Rows are as statements answer with them: uuids as text, times in
 * milliseconds.
 */

export type { PaymentRow }

const withMoney: readonly PaymentStatus[] = ['captured', 'refund_pending', 'partly_refunded', 'refunded']
export const payments = defineTable<PaymentRow>({
  name: 'payments',
  key: row => paymentKey(row.event_no, row.payment_id),
  unique: { a_reservation_is_paid_once: row => `${row.event_no}/${row.reservation_id}` },
  checks: {
    payments_amount_check: row => row.amount >= 0,
    only_captured_money_is_counted: row =>
      withMoney.includes(row.status) === row.captured_amount > 0 ||
      row.status === 'quarantined' ||
      (row.amount === 0 && row.status === 'captured'),
    never_more_than_asked: row => row.captured_amount <= row.amount || row.status === 'quarantined',
    quarantine_has_a_reason: row => (row.status === 'quarantined') === (row.quarantine_reason !== null),
  },
})
export const paymentKey = (eventNo: number, paymentId: string) => `${eventNo}/${paymentId}`

export type PaymentRefRow = { provider: string; provider_ref: string; event_no: number; payment_id: string }
export const paymentRefs = defineTable<PaymentRefRow>({
  name: 'payment_refs',
  key: row => refKey(row.provider, row.provider_ref),
})
export const refKey = (provider: string, providerRef: string) => `${provider}/${providerRef}`

export type AttemptRow = { event_no: number; payment_id: string; attempt_ref: string; code: string }
export const paymentAttempts = defineTable<AttemptRow>({
  name: 'payment_attempts',
  key: row => `${row.event_no}/${row.payment_id}/${row.attempt_ref}`,
})

export type EventRow = {
  provider: string
  provider_event_id: string
  type: string
  received_at: number
  source: string
  told: StoredEvent['told']
  state: 'stored' | 'settled' | 'ignored' | 'quarantined'
  event_no: number | null
  payment_id: string | null
  reason: string | null
  attempts: number
  next_attempt_at: number
}
export const paymentEvents = defineTable<EventRow>({
  name: 'payment_events',
  key: row => eventKey(row.provider, row.provider_event_id),
  checks: { quarantine_says_why: row => row.state !== 'quarantined' || row.reason !== null },
})
export const eventKey = (provider: string, eventId: string) => `${provider}/${eventId}`

export type CursorRow = { provider: string; read_until: number; leased_until: number }
export const providerCursors = defineTable<CursorRow>({ name: 'provider_cursors', key: row => row.provider })

export type RefundRow = {
  event_no: number
  refund_id: string
  payment_id: string
  reason: string
  sequence: number
  amount: number
  currency: string
  status: 'pending' | 'succeeded' | 'failed'
  provider_ref: string | null
  attempts: number
  next_attempt_at: number | null
  last_error: string | null
  created_at: number
  revision: number
}
export const refunds = defineTable<RefundRow>({
  name: 'refunds',
  key: row => refundKey(row.event_no, row.refund_id),
  unique: {
    a_reason_refunds_once: row => `${row.event_no}/${row.payment_id}/${row.reason}/${row.sequence}`,
  },
  checks: { refunds_amount_check: row => row.amount > 0 },
})
export const refundKey = (eventNo: number, refundId: string) => `${eventNo}/${refundId}`
