import type { Clock } from '#kernel/clock.ts'
import { type Id, newId, toUuid } from '#kernel/ids.ts'
import type { Random } from '#kernel/random.ts'
import type { Consumer } from '#platform/messages/consumer.ts'
import type { Tx } from '#platform/postgres/database.ts'
import { mailRequestOf, type Told, toldTypes } from './mail-request.ts'

/**
 * Turns messages into rows that ask for a mail, and does nothing else: an address that bounces or a mail server that is away is
 * met later, by a job, where neither the sale nor the log waits for it.
 */
export function queueMails(source: { clock: Clock; random: Random; domain: string }): Consumer {
  return {
    name: 'notifications',
    types: toldTypes,
    from: 'beginning',
    async handle(tx, messages) {
      const rows = (messages as unknown as readonly Told[]).flatMap(message => {
        const request = mailRequestOf(message)
        if (request === null) return []
        const mailId = newId('mail', source)
        return {
          mailId: toUuid(mailId),
          dedupeKey: `${message.id}.${request.template}`,
          ...request,
          eventId: toUuid(message.data.event_id as Id<'evt'>),
          reservationId: toUuid(message.data.reservation_id as Id<'rsv'>),
          messageIdHeader: `<${mailId}@${source.domain}>`,
          occurredAt: message.time,
          traceparent: message.traceparent ?? null,
        }
      })
      if (rows.length > 0) await insert(tx, rows)
    },
  }
}

type Row = {
  mailId: string
  dedupeKey: string
  template: string
  eventId: string
  reservationId: string
  data: object
  messageIdHeader: string
  occurredAt: string
  traceparent: string | null
}

/** What is there already was asked for by the same message. */
async function insert(tx: Tx, rows: readonly Row[]): Promise<void> {
  await tx.query({
    label: 'queue_mails_1',
    text: `insert into holdfast.mails
       (mail_id, dedupe_key, template, event_id, reservation_id, data, message_id_header, occurred_at, traceparent,
        next_attempt_at)
     select r.*, holdfast.clock()
     from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::jsonb[], $7::text[], $8::timestamptz[],
       $9::text[]) r
     on conflict do nothing`,
    values: [
      rows.map(row => row.mailId),
      rows.map(row => row.dedupeKey),
      rows.map(row => row.template),
      rows.map(row => row.eventId),
      rows.map(row => row.reservationId),
      rows.map(row => JSON.stringify(row.data)),
      rows.map(row => row.messageIdHeader),
      rows.map(row => row.occurredAt),
      rows.map(row => row.traceparent),
    ],
  })
}
