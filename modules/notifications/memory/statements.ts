import type { MemoryStatements } from '#platform/memory/statements.ts'
import { defineTable } from '#platform/memory/table.ts'

export type MailRow = {
  mail_id: string
  dedupe_key: string
  template: string
  event_id: string
  reservation_id: string
  data: object
  message_id_header: string
  state: 'queued' | 'sent' | 'failed' | 'skipped'
  attempts: number
  next_attempt_at: number | null
  last_error: string | null
  occurred_at: number
  traceparent: string | null
}

export const mails = defineTable<MailRow>({
  name: 'mails',
  key: row => row.mail_id,
  unique: { a_message_asks_for_a_mail_once: row => row.dedupe_key },
  checks: { only_queued_mails_are_attempted: row => (row.state === 'queued') === (row.next_attempt_at !== null) },
})

const byDue = (a: MailRow, b: MailRow) => a.next_attempt_at! - b.next_attempt_at!

type Queued = [string[], string[], string[], string[], string[], string[], string[], string[], (string | null)[]]

/** Twins of what the mails' own statements do. */
export const mailStatements: MemoryStatements = {
  queue_mails_1: (tx, columns: Queued) => {
    const [ids, dedupeKeys, templates, eventIds, reservationIds, data, headers, times, traces] = columns
    const rows = ids.map((mail_id, i) => ({
      mail_id,
      dedupe_key: dedupeKeys[i]!,
      template: templates[i]!,
      event_id: eventIds[i]!,
      reservation_id: reservationIds[i]!,
      data: JSON.parse(data[i]!),
      message_id_header: headers[i]!,
      state: 'queued' as const,
      attempts: 0,
      next_attempt_at: tx.now(),
      last_error: null,
      occurred_at: Date.parse(times[i]!),
      traceparent: traces[i]!,
    }))
    return tx.insert(mails, rows, { onConflict: 'nothing' })
  },

  claim_mail_1: async (tx, [leaseSeconds]: [number]) => {
    const now = tx.now()
    const due = await tx.lock(mails, {
      where: row => row.state === 'queued' && row.next_attempt_at! <= now,
      order: byDue,
      limit: 1,
      skipLocked: true,
    })
    const claimed = await tx.update(mails, {
      keys: due.map(row => row.mail_id),
      set: row => ({ ...row, attempts: row.attempts + 1, next_attempt_at: now + leaseSeconds * 1000 }),
    })
    return tx.read('newer mails', view =>
      claimed.map(row => ({
        ...row,
        claimed_at: now,
        is_overtaken: view
          .rows(mails)
          .some(other => other.reservation_id === row.reservation_id && other.occurred_at > row.occurred_at),
      })),
    )
  },

  mark_sent_1: (tx, [mailId]: [string]) =>
    tx.update(mails, {
      keys: [mailId],
      where: row => row.state === 'queued',
      set: row => ({ ...row, state: 'sent' as const, next_attempt_at: null, last_error: null }),
    }),

  close_unsent_1: (tx, [mailId, attempts, state, reason]: [string, number, 'failed' | 'skipped', string]) =>
    tx.update(mails, {
      keys: [mailId],
      where: row => row.attempts === attempts && row.state === 'queued',
      set: row => ({ ...row, state, next_attempt_at: null, last_error: reason }),
    }),

  postpone_mail_1: (tx, [mailId, attempts, delayMs, reason]: [string, number, number, string]) =>
    tx.update(mails, {
      keys: [mailId],
      where: row => row.attempts === attempts && row.state === 'queued',
      set: row => ({ ...row, next_attempt_at: tx.now() + delayMs, last_error: reason }),
    }),
}
