import { type EventId, fromUuid, type ReservationId, toUuid } from '#kernel/ids.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { MailId } from '../ports.ts'
import type { MailData, Template } from '../template.ts'

export type ClaimedMail = {
  mailId: MailId
  template: Template
  data: MailData[Template]
  eventId: EventId
  reservationId: ReservationId
  messageId: string
  /** Counts this one. */
  attempts: number
  /** Something has happened to the reservation since, and its mail is in this table too. */
  isOvertaken: boolean
  /** W3C trace context of the request that it comes from, where there was one. */
  traceparent: string | null
  /** Database time of the claim. */
  claimedAt: number
}

type Row = {
  mail_id: string
  template: Template
  data: MailData[Template]
  event_id: string
  reservation_id: string
  message_id_header: string
  attempts: number
  is_overtaken: boolean
  traceparent: string | null
  claimed_at: number
}

/**
 * Takes the mail that is due for longest, for `leaseSeconds`: nobody else gets it in that time, and who dies with it loses it
 * after. One at a time, because a lease must outlast everything that is taken with it. Null when none is due.
 */
export async function claimMail(db: Queryable, leaseSeconds: number): Promise<ClaimedMail | null> {
  const { rows } = await db.query<Row>({ label: 'claim_mail_1', text: claimSql, values: [leaseSeconds] })
  const row = rows[0]
  if (row === undefined) return null
  return {
    mailId: fromUuid('mail', row.mail_id),
    template: row.template,
    data: row.data,
    eventId: fromUuid('evt', row.event_id),
    reservationId: fromUuid('rsv', row.reservation_id),
    messageId: row.message_id_header,
    attempts: row.attempts,
    isOvertaken: row.is_overtaken,
    traceparent: row.traceparent,
    claimedAt: row.claimed_at,
  }
}

/** True unless somebody else has closed it since the claim. */
export async function markSent(db: Queryable, mail: ClaimedMail): Promise<boolean> {
  // Also when the lease was lost on the way: sent is sent, and whoever has the mail now will find that out.
  const { rowCount } = await db.query({
    label: 'mark_sent_1',
    text: `update holdfast.mails
     set state = 'sent', sent_at = holdfast.clock(), next_attempt_at = null, last_error = null
     where mail_id = $1 and state = 'queued'`,
    values: [uuidOf(mail)],
  })
  return rowCount === 1
}

/** Nothing more will be done about it. */
export async function closeUnsent(
  db: Queryable,
  mail: ClaimedMail,
  end: { state: 'failed' | 'skipped'; reason: string },
): Promise<void> {
  await db.query({
    label: 'close_unsent_1',
    text: `update holdfast.mails
     set state = $3::holdfast.mail_state, next_attempt_at = null, last_error = $4
     where mail_id = $1 and attempts = $2 and state = 'queued'`,
    values: [uuidOf(mail), mail.attempts, end.state, end.reason.slice(0, 500)],
  })
}

export async function postponeMail(
  db: Queryable,
  mail: ClaimedMail,
  { delayMs, reason }: { delayMs: number; reason: string },
): Promise<void> {
  await db.query({
    label: 'postpone_mail_1',
    text: `update holdfast.mails
     set next_attempt_at = holdfast.clock() + $3 * interval '1 millisecond', last_error = $4
     where mail_id = $1 and attempts = $2 and state = 'queued'`,
    values: [uuidOf(mail), mail.attempts, delayMs, reason.slice(0, 500)],
  })
}

export type QueueState = { queued: number; due: number; oldestDueSeconds: number }

export async function readQueueState(db: Queryable): Promise<QueueState> {
  const { rows } = await db.query<QueueState>(stateSql)
  return rows[0]!
}

function uuidOf(mail: ClaimedMail): string {
  return toUuid(mail.mailId)
}

// `attempts` of the claim guards what is written after it, but for `sent`: who lost the lease no longer decides. `due` is
// materialized, because as a plain subquery it may be run again for each row of a join, and then claims more than its limit.
const claimSql = `
  with t as materialized (select holdfast.clock() as now), due as materialized (
    select d.mail_id
    from holdfast.mails d
    where d.state = 'queued' and d.next_attempt_at <= (select now from t)
    order by d.next_attempt_at
    limit 1
    for update skip locked
  )
  update holdfast.mails m
  set attempts = m.attempts + 1, next_attempt_at = t.now + $1 * interval '1 second'
  from t, due
  where m.mail_id = due.mail_id
  returning m.mail_id, m.template, m.data, m.event_id, m.reservation_id, m.message_id_header, m.attempts, m.traceparent,
    t.now as claimed_at,
    exists (
      select from holdfast.mails n where n.reservation_id = m.reservation_id and n.occurred_at > m.occurred_at
    ) as is_overtaken`

const stateSql = `
  with t as materialized (select holdfast.clock() as now)
  select count(m.mail_id) as queued, count(*) filter (where m.next_attempt_at <= t.now) as due,
    coalesce(date_part('epoch', max(t.now - m.next_attempt_at) filter (where m.next_attempt_at <= t.now)), 0)
      as "oldestDueSeconds"
  from t left join holdfast.mails m on m.state = 'queued'`
