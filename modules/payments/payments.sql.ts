import { assert } from '#kernel/assert.ts'
import { fromUuid, type PaymentId, type ReservationId, toUuid } from '#kernel/ids.ts'
import type { Queryable, Tx } from '#platform/postgres/database.ts'
import { type PaymentRecord, type PaymentStatus, paymentTransitions } from './payment.ts'

/** A row of `holdfast.payments` as statements answer with it: uuids as text, times in milliseconds. */
export type PaymentRow = {
  event_no: number
  payment_id: string
  reservation_id: string
  user_id: string
  provider: string
  provider_ref: string | null
  amount: number
  currency: string
  email: string | null
  name: string
  status: PaymentStatus
  revision: number
  captured_amount: number
  late: boolean
  quarantine_reason: string | null
  create_sent_at: number | null
  queued_at: number | null
  cancel_requested_at: number | null
  next_look_at: number | null
  looks: number
  traceparent: string | null
  created_at: number
}

const columns = `p.event_no, p.payment_id, p.reservation_id, p.user_id, p.provider, p.provider_ref, p.amount, p.currency, p.email,
  p.name, p.status, p.revision, p.captured_amount, p.late, p.quarantine_reason, p.create_sent_at, p.queued_at,
  p.cancel_requested_at, p.next_look_at, p.looks, p.traceparent, p.created_at`

function toRecord(row: PaymentRow): PaymentRecord {
  return {
    eventNo: row.event_no,
    paymentId: fromUuid('pay', row.payment_id),
    reservationId: fromUuid('rsv', row.reservation_id),
    userId: fromUuid('usr', row.user_id),
    provider: row.provider,
    providerRef: row.provider_ref,
    amount: row.amount,
    currency: row.currency,
    email: row.email,
    name: row.name,
    status: row.status,
    revision: row.revision,
    capturedAmount: row.captured_amount,
    late: row.late,
    quarantineReason: row.quarantine_reason,
    createSentAt: row.create_sent_at,
    queuedAt: row.queued_at,
    cancelRequestedAt: row.cancel_requested_at,
    nextLookAt: row.next_look_at,
    looks: row.looks,
    traceparent: row.traceparent,
    createdAt: row.created_at,
  }
}

/** Opens a payment; its reservation is locked and has none. Where nothing is to be paid it is \`captured\` from the start. */
export async function insertPayment(
  tx: Tx,
  payment: Pick<
    PaymentRecord,
    | 'eventNo'
    | 'paymentId'
    | 'reservationId'
    | 'userId'
    | 'provider'
    | 'amount'
    | 'currency'
    | 'email'
    | 'name'
    | 'createdAt'
    | 'traceparent'
  > & { nextLookAt: number | null; queuedAt: number | null },
): Promise<PaymentRecord> {
  const { rows } = await tx.query<PaymentRow>({
    name: 'insert_payment_1',
    text: `insert into holdfast.payments as p (event_no, payment_id, reservation_id, user_id, provider, amount, currency, email, name,
       created_at, next_look_at, queued_at, create_sent_at, traceparent, status)
     values ($1, $2, $3, $4, $5, $6::int8, $7, $8, $9, $10, $11, $12,
       case when $6::int8 > 0 and $12::timestamptz is null then $10::timestamptz end, $13,
       (case $6::int8 when 0 then 'captured' else 'open' end)::holdfast.payment_status)
     returning ${columns}`,
    values: [
      payment.eventNo,
      toUuid(payment.paymentId),
      toUuid(payment.reservationId),
      toUuid(payment.userId),
      payment.provider,
      payment.amount,
      payment.currency,
      payment.email,
      payment.name,
      iso(payment.createdAt),
      isoOrNull(payment.nextLookAt),
      isoOrNull(payment.queuedAt),
      payment.traceparent,
    ],
  })
  return toRecord(rows[0]!)
}

/** The payment of a reservation, under its lock. The reservation's row is locked before, everywhere. */
export async function lockPaymentOf(
  tx: Tx,
  { eventNo, reservationId }: { eventNo: number; reservationId: ReservationId },
): Promise<PaymentRecord | null> {
  const { rows } = await tx.query<PaymentRow>({
    name: 'lock_payment_1',
    text: `select ${columns} from holdfast.payments p where p.event_no = $1 and p.reservation_id = $2 for update`,
    values: [eventNo, toUuid(reservationId)],
  })
  return rows[0] === undefined ? null : toRecord(rows[0])
}

export async function findPayment(db: Queryable, eventNo: number, paymentId: PaymentId): Promise<PaymentRecord | null> {
  const { rows } = await db.query<PaymentRow>({
    name: 'find_payment_1',
    text: `select ${columns} from holdfast.payments p where p.event_no = $1 and p.payment_id = $2`,
    values: [eventNo, toUuid(paymentId)],
  })
  return rows[0] === undefined ? null : toRecord(rows[0])
}

export async function findPaymentOf(
  db: Queryable,
  eventNo: number,
  reservationId: ReservationId,
): Promise<PaymentRecord | null> {
  const { rows } = await db.query<PaymentRow>({
    name: 'find_payment_of_1',
    text: `select ${columns} from holdfast.payments p where p.event_no = $1 and p.reservation_id = $2`,
    values: [eventNo, toUuid(reservationId)],
  })
  return rows[0] === undefined ? null : toRecord(rows[0])
}

/** Of many intents those payments that name them, by the intent. */
export async function findPaymentsByRef(
  db: Queryable,
  provider: string,
  providerRefs: readonly string[],
): Promise<Map<string, PaymentRecord>> {
  const { rows } = await db.query<PaymentRow>({
    name: 'find_payments_by_ref_1',
    text: `select ${columns} from holdfast.payment_refs r
      join holdfast.payments p on p.event_no = r.event_no and p.payment_id = r.payment_id
      where r.provider = $1 and r.provider_ref = any ($2)`,
    values: [provider, providerRefs],
  })
  return new Map(rows.map(row => [row.provider_ref!, toRecord(row)]))
}

/**
 * Open payments whose hold has ended: seconds since the earliest of these ends (0 if there is none). And how many are open at a
 * provider that is not the one we ask.
 */
export async function overduePayments(
  db: Queryable,
  provider: string,
): Promise<{ oldestSeconds: number; elsewhere: number }> {
  const { rows } = await db.query<{ oldest: number | null; elsewhere: number }>(
    `select extract(epoch from holdfast.clock() - min(r.expires_at) filter (where r.expires_at < holdfast.clock()))::float8 as oldest,
       count(*) filter (where p.provider <> $1)::int4 as elsewhere
     from holdfast.payments p
     join holdfast.reservations r on r.event_no = p.event_no and r.reservation_id = p.reservation_id
     where p.next_look_at is not null`,
    [provider],
  )
  return { oldestSeconds: rows[0]!.oldest ?? 0, elsewhere: rows[0]!.elsewhere }
}

/** By the provider's own name of it. */
export async function findPaymentByRef(
  db: Queryable,
  provider: string,
  providerRef: string,
): Promise<PaymentRecord | null> {
  const { rows } = await db.query<PaymentRow>({
    name: 'find_payment_by_ref_1',
    text: `select ${columns} from holdfast.payment_refs r
      join holdfast.payments p on p.event_no = r.event_no and p.payment_id = r.payment_id
      where r.provider = $1 and r.provider_ref = $2`,
    values: [provider, providerRef],
  })
  return rows[0] === undefined ? null : toRecord(rows[0])
}

/**
 * Notes that the intent may exist from now on: committed before each call that makes it.
 *
 * @returns false if the payment has come to its end: then no intent may be made any more
 */
export async function noteCreateSent(tx: Tx, payment: PaymentRecord): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: 'note_create_sent_1',
    text: `update holdfast.payments set create_sent_at = coalesce(create_sent_at, holdfast.clock()) where event_no = $1 and payment_id = $2
       and status in ('open', 'processing')`,
    values: [payment.eventNo, toUuid(payment.paymentId)],
  })
  return rowCount === 1
}

/**
 * Binds the provider's intent to the payment, once; the payment is locked.
 *
 * @returns false if the payment has another intent, or the intent another payment: neither is touched
 */
export async function bindRef(
  tx: Tx,
  { eventNo, paymentId, provider }: Pick<PaymentRecord, 'eventNo' | 'paymentId' | 'provider'>,
  providerRef: string,
): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: 'bind_ref_1',
    text: `with mine as (
       select 1 from holdfast.payments p
       where p.event_no = $3 and p.payment_id = $4 and (p.provider_ref is null or p.provider_ref = $2)
     ), bound as (
       insert into holdfast.payment_refs (provider, provider_ref, event_no, payment_id) select $1, $2, $3, $4 from mine
       on conflict (provider, provider_ref) do update set provider = excluded.provider
       where payment_refs.event_no = excluded.event_no and payment_refs.payment_id = excluded.payment_id
       returning 1
     )
     update holdfast.payments p set provider_ref = $2, queued_at = null
     from bound
     where p.event_no = $3 and p.payment_id = $4 and (p.provider_ref is null or p.provider_ref = $2)`,
    values: [provider, providerRef, eventNo, toUuid(paymentId)],
  })
  return rowCount === 1
}

export type PaymentChange = {
  status: PaymentStatus
  capturedAmount?: number
  late?: boolean
  quarantineReason?: string
  /** When to ask the provider again; null: not any more. */
  nextLookAt: number | null
}

/** Moves a locked payment on. @throws an assertion if the table of transitions does not know the step */
export async function movePayment(tx: Tx, payment: PaymentRecord, change: PaymentChange): Promise<PaymentRecord> {
  assert(
    change.status === payment.status || paymentTransitions[payment.status].includes(change.status),
    `a payment that is ${payment.status} does not become ${change.status}`,
  )
  const { rows } = await tx.query<PaymentRow>({
    name: 'move_payment_1',
    text: `update holdfast.payments p
     set status = $3, captured_amount = coalesce($4, p.captured_amount), late = p.late or $5,
       quarantine_reason = coalesce($6, p.quarantine_reason), next_look_at = $7, looks = case when p.status = $3 then p.looks else 0 end,
       revision = p.revision + 1
     where p.event_no = $1 and p.payment_id = $2 and p.revision = $8
     returning ${columns}`,
    values: [
      payment.eventNo,
      toUuid(payment.paymentId),
      change.status,
      change.capturedAmount ?? null,
      change.late ?? false,
      change.quarantineReason ?? null,
      isoOrNull(change.nextLookAt),
      payment.revision,
    ],
  })
  assert(rows[0] !== undefined, 'a payment does not change under its lock')
  return toRecord(rows[0])
}

/** The buyer wants to give up: whoever looks next cancels at the provider. */
export async function requestCancel(tx: Tx, payment: PaymentRecord, now: number): Promise<void> {
  await tx.query({
    name: 'request_cancel_1',
    text: `update holdfast.payments set cancel_requested_at = coalesce(cancel_requested_at, $3), next_look_at = least(next_look_at, $3)
     where event_no = $1 and payment_id = $2`,
    values: [payment.eventNo, toUuid(payment.paymentId), iso(now)],
  })
}

/** Looks sooner than planned; never later. */
export async function lookSooner(db: Queryable, payment: PaymentRecord, afterMs: number): Promise<void> {
  await db.query({
    name: 'look_sooner_1',
    text: `update holdfast.payments
     set next_look_at = least(next_look_at, holdfast.clock() + $3 * interval '1 millisecond')
     where event_no = $1 and payment_id = $2 and next_look_at is not null`,
    values: [payment.eventNo, toUuid(payment.paymentId), afterMs],
  })
}

/** Puts the next look off, by the number of looks that told nothing. */
export async function lookAgain(db: Queryable, payment: PaymentRecord, afterMs: number): Promise<void> {
  await db.query({
    name: 'look_again_1',
    text: `update holdfast.payments
     set next_look_at = holdfast.clock() + $3 * interval '1 millisecond', looks = looks + 1
     where event_no = $1 and payment_id = $2 and next_look_at is not null`,
    values: [payment.eventNo, toUuid(payment.paymentId), afterMs],
  })
}

/**
 * Takes payments that are due to be looked at, oldest first, and moves their time on by the lease: another process finds them again
 * only if this one did not come to an end with them. Those of a provider that was set up before are not ours to ask about.
 */
export async function takeDuePayments(
  db: Queryable,
  { provider, limit, leaseMs }: { provider: string; limit: number; leaseMs: number },
): Promise<PaymentRecord[]> {
  const { rows } = await db.query<PaymentRow>({
    name: 'take_due_payments_2',
    text: `update holdfast.payments p
      set next_look_at = holdfast.clock() + $2 * interval '1 millisecond'
      from (
        select d.event_no, d.payment_id from holdfast.payments d
        where d.next_look_at <= holdfast.clock() and d.provider = $3
        order by d.next_look_at
        limit $1
        for update skip locked
      ) due
      where p.event_no = due.event_no and p.payment_id = due.payment_id
      returning ${columns}`,
    values: [limit, leaseMs, provider],
  })
  return rows.map(toRecord)
}

/** One card that was declined; again and again the same is one attempt. True if it is news. */
export async function noteDecline(
  tx: Tx,
  payment: PaymentRecord,
  decline: { attemptRef: string; code: string; declineCode: string | null },
): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: 'note_decline_1',
    text: `insert into holdfast.payment_attempts (event_no, payment_id, attempt_ref, code, decline_code, seen_at)
     values ($1, $2, $3, $4, $5, holdfast.clock()) on conflict do nothing`,
    values: [payment.eventNo, toUuid(payment.paymentId), decline.attemptRef, decline.code, decline.declineCode],
  })
  return rowCount === 1
}

/** When to look next, whatever was planned. */
export async function planLook(tx: Tx, payment: PaymentRecord, at: number): Promise<void> {
  await tx.query({
    name: 'plan_look_1',
    text: `update holdfast.payments set next_look_at = $3, looks = 0 where event_no = $1 and payment_id = $2 and next_look_at is not null`,
    values: [payment.eventNo, toUuid(payment.paymentId), iso(at)],
  })
}

/** The provider was away: the buyer is told to come back, once. False if that has happened before. */
export async function noteQueued(tx: Tx, payment: PaymentRecord, now: number): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: 'note_queued_1',
    text: `update holdfast.payments set queued_at = $3, revision = revision + 1
     where event_no = $1 and payment_id = $2 and queued_at is null and provider_ref is null`,
    values: [payment.eventNo, toUuid(payment.paymentId), iso(now)],
  })
  return rowCount === 1
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms)
}
