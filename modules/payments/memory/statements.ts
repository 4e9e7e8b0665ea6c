import type { MemoryTx } from '#platform/memory/memory-tx.ts'
import type { MemoryStatements } from '#platform/memory/statements.ts'
import type { StoredEvent } from '../inbox.sql.ts'
import type { PaymentStatus } from '../payment.ts'
import {
  type EventRow,
  eventKey,
  type PaymentRow,
  paymentAttempts,
  paymentEvents,
  paymentKey,
  paymentRefs,
  payments,
  providerCursors,
  type RefundRow,
  refKey,
  refundKey,
  refunds,
} from './tables.ts'

const hourMs = 3_600_000

/** Twins of the statements of payments, inbox, refunds and the provider's cursor. */
export const paymentStatements: MemoryStatements = {
  insert_payment_1: async (tx, values: InsertPayment) => {
    const [event_no, payment_id, reservation_id, user_id, provider, amount, currency, email, name] = values
    const [created, look, queued, traceparent] = values.slice(9) as [
      string,
      string | null,
      string | null,
      string | null,
    ]
    return tx.insert(payments, [
      {
        event_no,
        payment_id,
        reservation_id,
        user_id,
        provider,
        provider_ref: null,
        amount,
        currency,
        email,
        name,
        status: amount === 0 ? 'captured' : 'open',
        revision: 1,
        captured_amount: 0,
        late: false,
        quarantine_reason: null,
        create_sent_at: amount > 0 && queued === null ? Date.parse(created) : null,
        queued_at: msOf(queued),
        cancel_requested_at: null,
        next_look_at: msOf(look),
        looks: 0,
        traceparent,
        created_at: Date.parse(created),
      },
    ])
  },

  lock_payment_1: (tx, [eventNo, reservationId]: [number, string]) =>
    tx.lock(payments, { where: row => row.event_no === eventNo && row.reservation_id === reservationId }),

  find_payment_1: (tx, [eventNo, paymentId]: [number, string]) =>
    tx.read('payment', view => present(view.get(payments, paymentKey(eventNo, paymentId)))),

  find_payment_of_1: (tx, [eventNo, reservationId]: [number, string]) =>
    tx.read('payment of a reservation', view =>
      view.rows(payments, { where: row => row.event_no === eventNo && row.reservation_id === reservationId }),
    ),

  find_payment_by_ref_1: (tx, [provider, ref]: [string, string]) => paymentsByRef(tx, provider, [ref]),
  find_payments_by_ref_1: (tx, [provider, refs]: [string, string[]]) => paymentsByRef(tx, provider, refs),

  note_create_sent_1: (tx, [eventNo, paymentId]: [number, string]) =>
    change(tx, eventNo, paymentId, {
      where: row => row.status === 'open' || row.status === 'processing',
      set: row => ({ create_sent_at: row.create_sent_at ?? tx.now() }),
    }),

  bind_ref_1: async (tx, [provider, ref, eventNo, paymentId]: [string, string, number, string]) => {
    const mayBind = (row: PaymentRow) => row.provider_ref === null || row.provider_ref === ref
    const mine = await tx.read('the payment to bind', view => view.get(payments, paymentKey(eventNo, paymentId)))
    if (mine === undefined || !mayBind(mine)) return []
    const made = { provider, provider_ref: ref, event_no: eventNo, payment_id: paymentId }
    if ((await tx.insert(paymentRefs, [made], { onConflict: 'nothing' })).length === 0) {
      const isMine = (row: typeof made) => row.event_no === eventNo && row.payment_id === paymentId
      if ((await tx.lock(paymentRefs, { keys: [refKey(provider, ref)], where: isMine })).length === 0) return []
    }
    return change(tx, eventNo, paymentId, { where: mayBind, set: () => ({ provider_ref: ref, queued_at: null }) })
  },

  move_payment_1: (
    tx,
    [eventNo, paymentId, status, captured, late, reason, look, revision]: [
      number,
      string,
      PaymentStatus,
      number | null,
      boolean,
      string | null,
      string | null,
      number,
    ],
  ) =>
    change(tx, eventNo, paymentId, {
      where: row => row.revision === revision,
      set: row => ({
        status,
        captured_amount: captured ?? row.captured_amount,
        late: row.late || late,
        quarantine_reason: reason ?? row.quarantine_reason,
        next_look_at: msOf(look),
        looks: row.status === status ? row.looks : 0,
        revision: row.revision + 1,
      }),
    }),

  request_cancel_1: (tx, [eventNo, paymentId, at]: [number, string, string]) =>
    change(tx, eventNo, paymentId, {
      set: row => ({
        cancel_requested_at: row.cancel_requested_at ?? Date.parse(at),
        next_look_at: Math.min(row.next_look_at ?? Number.POSITIVE_INFINITY, Date.parse(at)),
      }),
    }),

  look_sooner_1: (tx, [eventNo, paymentId, afterMs]: [number, string, number]) =>
    change(tx, eventNo, paymentId, {
      where: row => row.next_look_at !== null,
      set: row => ({ next_look_at: Math.min(row.next_look_at!, tx.now() + afterMs) }),
    }),

  look_again_1: (tx, [eventNo, paymentId, afterMs]: [number, string, number]) =>
    change(tx, eventNo, paymentId, {
      where: row => row.next_look_at !== null,
      set: row => ({ next_look_at: tx.now() + afterMs, looks: row.looks + 1 }),
    }),

  take_due_payments_2: async (tx, [limit, leaseMs, provider]: [number, number, string]) => {
    const now = tx.now()
    const due = await tx.lock(payments, {
      where: row => row.next_look_at !== null && row.next_look_at <= now && row.provider === provider,
      order: (a, b) => a.next_look_at! - b.next_look_at!,
      limit,
      skipLocked: true,
    })
    return tx.update(payments, {
      keys: due.map(row => paymentKey(row.event_no, row.payment_id)),
      set: row => ({ ...row, next_look_at: now + leaseMs }),
    })
  },

  note_decline_1: (tx, [event_no, payment_id, attempt_ref, code]: [number, string, string, string]) =>
    tx.insert(paymentAttempts, [{ event_no, payment_id, attempt_ref, code }], { onConflict: 'nothing' }),

  plan_look_1: (tx, [eventNo, paymentId, at]: [number, string, string]) =>
    change(tx, eventNo, paymentId, {
      where: row => row.next_look_at !== null,
      set: () => ({ next_look_at: Date.parse(at), looks: 0 }),
    }),

  note_queued_1: (tx, [eventNo, paymentId, at]: [number, string, string]) =>
    change(tx, eventNo, paymentId, {
      where: row => row.queued_at === null && row.provider_ref === null,
      set: row => ({ queued_at: Date.parse(at), revision: row.revision + 1 }),
    }),

  store_events_3: async (
    tx,
    [provider, source, ids, types, , tolds]: [string, string, string[], string[], string[], string[]],
  ) => {
    const rows = ids.map((id, i): EventRow => {
      const told = JSON.parse(tolds[i]!) as StoredEvent['told']
      const isIgnored = told.intent === null && told.refund === null
      return {
        provider,
        provider_event_id: id,
        type: types[i]!,
        received_at: tx.now(),
        source,
        told,
        state: isIgnored ? 'ignored' : 'stored',
        event_no: null,
        payment_id: null,
        reason: isIgnored ? 'not-a-payment' : null,
        attempts: 0,
        next_attempt_at: Number.NEGATIVE_INFINITY,
      }
    })
    const stored = await tx.insert(paymentEvents, rows, { onConflict: 'nothing' })
    return stored.map(row => ({ id: row.provider_event_id }))
  },

  take_stored_events_1: async (tx, [limit, leaseMs]: [number, number]) => {
    const now = tx.now()
    const due = await tx.lock(paymentEvents, {
      where: row => row.state === 'stored' && row.next_attempt_at <= now,
      order: (a, b) => (a.next_attempt_at === b.next_attempt_at ? 0 : a.next_attempt_at - b.next_attempt_at),
      limit,
      skipLocked: true,
    })
    return tx.update(paymentEvents, {
      keys: due.map(row => eventKey(row.provider, row.provider_event_id)),
      set: row => ({ ...row, next_attempt_at: now + leaseMs, attempts: row.attempts + 1 }),
    })
  },

  end_event_1: (
    tx,
    [provider, id, state, reason, event_no, payment_id]: [
      string,
      string,
      'settled' | 'ignored' | 'quarantined',
      string | null,
      number | null,
      string | null,
    ],
  ) =>
    tx.update(paymentEvents, {
      keys: [eventKey(provider, id)],
      where: row => row.state === 'stored',
      set: row => ({ ...row, state, reason, event_no, payment_id }),
    }),

  retry_event_1: (tx, [provider, id, afterMs]: [string, string, number]) =>
    tx.update(paymentEvents, {
      keys: [eventKey(provider, id)],
      where: row => row.state === 'stored',
      set: row => ({ ...row, next_attempt_at: tx.now() + afterMs }),
    }),

  refunds_of_1: (tx, [eventNo, paymentId]: [number, string]) =>
    tx.read('refunds', view =>
      view.rows(refunds, {
        where: row => row.event_no === eventNo && row.payment_id === paymentId,
        order: (a, b) => a.created_at - b.created_at || (a.refund_id < b.refund_id ? -1 : 1),
      }),
    ),

  insert_refund_1: (tx, values: InsertRefund) => {
    const [event_no, refund_id, payment_id, reason, sequence, amount, currency, , , at] = values
    const created_at = Date.parse(at)
    return tx.insert(
      refunds,
      [
        {
          event_no,
          refund_id,
          payment_id,
          reason,
          sequence,
          amount,
          currency,
          status: 'pending',
          provider_ref: null,
          attempts: 0,
          next_attempt_at: created_at,
          last_error: null,
          created_at,
          revision: 1,
        },
      ],
      { onConflict: 'nothing' },
    )
  },

  take_due_refunds_2: async (tx, [limit, leaseMs, provider]: [number, number, string]) => {
    const now = tx.now()
    const ours = await tx.read('payments of the provider', view =>
      view.rows(payments, { where: row => row.provider === provider }),
    )
    const isOurs = new Set(ours.map(row => paymentKey(row.event_no, row.payment_id)))
    const due = await tx.lock(refunds, {
      where: row =>
        row.next_attempt_at !== null &&
        row.next_attempt_at <= now &&
        isOurs.has(paymentKey(row.event_no, row.payment_id)),
      order: (a, b) => a.next_attempt_at! - b.next_attempt_at!,
      limit,
      skipLocked: true,
    })
    return tx.update(refunds, {
      keys: due.map(row => refundKey(row.event_no, row.refund_id)),
      set: row => ({ ...row, next_attempt_at: now + leaseMs, attempts: row.attempts + 1 }),
    })
  },

  end_refund_1: (
    tx,
    [eventNo, refundId, status, ref, error]: [number, string, 'succeeded' | 'failed', string | null, string | null],
  ) =>
    tx.update(refunds, {
      keys: [refundKey(eventNo, refundId)],
      where: row => row.status === 'pending' || (row.status === 'succeeded' && status === 'failed'),
      set: (row): RefundRow => ({
        ...row,
        status,
        provider_ref: ref ?? row.provider_ref,
        last_error: error,
        next_attempt_at: null,
        revision: row.revision + 1,
      }),
    }),

  retry_refund_1: (
    tx,
    [eventNo, refundId, afterMs, error, ref]: [number, string, number, string | null, string | null],
  ) =>
    tx.update(refunds, {
      keys: [refundKey(eventNo, refundId)],
      where: row => row.status === 'pending',
      set: row => ({
        ...row,
        next_attempt_at: tx.now() + afterMs,
        last_error: error,
        provider_ref: row.provider_ref ?? ref,
      }),
    }),

  lease_cursor_1: async (tx, [provider, leaseMs]: [string, number]) => {
    const now = tx.now()
    const fresh = { provider, read_until: now - hourMs, leased_until: now + leaseMs }
    const made = await tx.insert(providerCursors, [fresh], { onConflict: 'nothing' })
    const taken =
      made.length > 0
        ? made
        : await tx.update(providerCursors, {
            keys: [provider],
            where: row => row.leased_until <= now,
            set: row => ({ ...row, leased_until: now + leaseMs }),
          })
    return taken.map(({ read_until }) => ({ read_until, now }))
  },

  move_cursor_1: (tx, [provider, until]: [string, string]) =>
    tx.update(providerCursors, {
      keys: [provider],
      set: row => ({
        ...row,
        read_until: Math.max(row.read_until, Date.parse(until)),
        leased_until: Number.NEGATIVE_INFINITY,
      }),
    }),
}

type InsertPayment = [number, string, string, string, string, number, string, string, string, ...(string | null)[]]
type InsertRefund = [number, string, string, string, number, number, string, string | null, string | null, string]

function change(
  tx: MemoryTx,
  eventNo: number,
  paymentId: string,
  { where = () => true, set }: { where?: (row: PaymentRow) => boolean; set: (row: PaymentRow) => Partial<PaymentRow> },
): Promise<PaymentRow[]> {
  return tx.update(payments, {
    keys: [paymentKey(eventNo, paymentId)],
    where,
    set: row => ({ ...row, ...set(row) }),
  })
}

function paymentsByRef(tx: MemoryTx, provider: string, refs: readonly string[]): Promise<PaymentRow[]> {
  return tx.read('payments by their intents', view =>
    refs.flatMap(ref => {
      const bound = view.get(paymentRefs, refKey(provider, ref))
      return bound === undefined ? [] : present(view.get(payments, paymentKey(bound.event_no, bound.payment_id)))
    }),
  )
}

function present<Row>(row: Row | undefined): Row[] {
  return row === undefined ? [] : [row]
}

function msOf(iso: string | null): number | null {
  return iso === null ? null : Date.parse(iso)
}
