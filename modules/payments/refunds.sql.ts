import { fromUuid, type Id, type PaymentId, toUuid, type UserId } from '#kernel/ids.ts'
import type { Queryable, Tx } from '#platform/postgres/database.ts'
import type { PaymentRecord } from './payment.ts'

export type RefundId = Id<'rfd'>

/** Why money goes back. `requested` by staff; the others Holdfast decides itself. */
export type RefundReason = 'requested' | 'late-payment' | 'mismatch' | 'lost-sale'

export type RefundRecord = {
  eventNo: number
  refundId: RefundId
  paymentId: PaymentId
  reason: RefundReason
  sequence: number
  amount: number
  currency: string
  status: 'pending' | 'succeeded' | 'failed'
  providerRef: string | null
  attempts: number
  revision: number
  createdAt: number
}

type Row = {
  event_no: number
  refund_id: string
  payment_id: string
  reason: RefundReason
  sequence: number
  amount: number
  currency: string
  status: RefundRecord['status']
  provider_ref: string | null
  attempts: number
  revision: number
  created_at: number
}

const columns = `r.event_no, r.refund_id, r.payment_id, r.reason, r.sequence, r.amount, r.currency, r.status, r.provider_ref,
  r.attempts, r.revision, r.created_at`

function toRecord(row: Row): RefundRecord {
  return {
    eventNo: row.event_no,
    refundId: fromUuid('rfd', row.refund_id),
    paymentId: fromUuid('pay', row.payment_id),
    reason: row.reason,
    sequence: row.sequence,
    amount: row.amount,
    currency: row.currency,
    status: row.status,
    providerRef: row.provider_ref,
    attempts: row.attempts,
    revision: row.revision,
    createdAt: row.created_at,
  }
}

/** All refunds of a payment that is locked. */
export async function refundsOf(db: Queryable, payment: PaymentRecord): Promise<RefundRecord[]> {
  const { rows } = await db.query<Row>({
    name: 'refunds_of_1',
    text: `select ${columns} from holdfast.refunds r where r.event_no = $1 and r.payment_id = $2 order by r.created_at, r.refund_id`,
    values: [payment.eventNo, toUuid(payment.paymentId)],
  })
  return rows.map(toRecord)
}

/**
 * Decides a refund: one row, and with it one key at the provider. A reason refunds once for each `sequence`; the payment is locked.
 *
 * @returns null if this refund has been decided before
 */
export async function insertRefund(
  tx: Tx,
  refund: {
    eventNo: number
    refundId: RefundId
    paymentId: PaymentId
    reason: RefundReason
    sequence: number
    amount: number
    currency: string
    requestedBy: UserId | null
    note: string | null
    now: number
  },
): Promise<RefundRecord | null> {
  const { rows } = await tx.query<Row>({
    name: 'insert_refund_1',
    text: `insert into holdfast.refunds as r (event_no, refund_id, payment_id, reason, sequence, amount, currency, requested_by, note,
       created_at, next_attempt_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
     on conflict (event_no, payment_id, reason, sequence) do nothing
     returning ${columns}`,
    values: [
      refund.eventNo,
      toUuid(refund.refundId),
      toUuid(refund.paymentId),
      refund.reason,
      refund.sequence,
      refund.amount,
      refund.currency,
      refund.requestedBy === null ? null : toUuid(refund.requestedBy),
      refund.note,
      new Date(refund.now).toISOString(),
    ],
  })
  return rows[0] === undefined ? null : toRecord(rows[0])
}

/** Takes refunds that are due to be carried out, and moves their time on by the lease. */
export async function takeDueRefunds(
  db: Queryable,
  { provider, limit, leaseMs }: { provider: string; limit: number; leaseMs: number },
): Promise<RefundRecord[]> {
  const { rows } = await db.query<Row>({
    name: 'take_due_refunds_2',
    text: `update holdfast.refunds r
      set next_attempt_at = holdfast.clock() + $2 * interval '1 millisecond', attempts = r.attempts + 1
      from (
        select d.event_no, d.refund_id from holdfast.refunds d
        where d.next_attempt_at <= holdfast.clock()
          and exists (select from holdfast.payments p
            where p.event_no = d.event_no and p.payment_id = d.payment_id and p.provider = $3)
        order by d.next_attempt_at
        limit $1
        for update skip locked
      ) due
      where r.event_no = due.event_no and r.refund_id = due.refund_id
      returning ${columns}`,
    values: [limit, leaseMs, provider],
  })
  return rows.map(toRecord)
}

/**
 * The provider's word on a refund; false if it had been said before. The payment is locked. What succeeded may still fail, at the
 * buyer's bank and days later; what failed stays so.
 */
export async function endRefund(
  tx: Tx,
  refund: RefundRecord,
  end: { status: 'succeeded' | 'failed'; providerRef: string | null; error?: string },
): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: 'end_refund_1',
    text: `update holdfast.refunds
     set status = $3, provider_ref = coalesce($4, provider_ref), last_error = $5, ended_at = holdfast.clock(),
       next_attempt_at = null, revision = revision + 1
     where event_no = $1 and refund_id = $2
       and (status = 'pending' or (status = 'succeeded' and $3::holdfast.refund_status = 'failed'))`,
    values: [refund.eventNo, toUuid(refund.refundId), end.status, end.providerRef, end.error ?? null],
  })
  return rowCount === 1
}

/** Not carried out yet: again later. */
export async function retryRefund(
  db: Queryable,
  refund: RefundRecord,
  { afterMs, error, providerRef = null }: { afterMs: number; error: string | null; providerRef?: string | null },
): Promise<void> {
  await db.query({
    name: 'retry_refund_1',
    text: `update holdfast.refunds
     set next_attempt_at = holdfast.clock() + $3 * interval '1 millisecond', last_error = $4,
       provider_ref = coalesce(provider_ref, $5)
     where event_no = $1 and refund_id = $2 and status = 'pending'`,
    values: [refund.eventNo, toUuid(refund.refundId), afterMs, error, providerRef],
  })
}

/** How old the oldest refund is that was decided and that the provider has not taken, in seconds; 0 if there is none. */
export async function oldestPendingRefund(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ age: number | null }>(
    `select extract(epoch from holdfast.clock() - min(created_at))::float8 as age
     from holdfast.refunds where next_attempt_at is not null and provider_ref is null`,
  )
  return rows[0]!.age ?? 0
}
