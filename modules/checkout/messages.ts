import type { MessageOf, MessageType } from '#contracts/messages.ts'
import { assert } from '#kernel/assert.ts'
import { fromUuid } from '#kernel/ids.ts'
import { messageId } from '#platform/messages/message.ts'
import type { Expansion } from '#platform/messages/postgres-log.ts'

type Row = {
  type: string
  occurred_at: number
  event_no: number
  subject: string
  revision: number
  user_id: string
  data: {
    reservation_id: string
    amount: number
    currency: string
    traceparent?: string
    final?: boolean
    reason?: string
    hold_until?: number
    refund_id?: string
    tickets?: { ticket_id: string; seat_no?: number | null; amount?: number; revision?: number }[]
  }
}

type AnyMessage = { [Name in MessageType]: MessageOf<Name> }[MessageType]

/** What the outbox says of payments and tickets, as messages. The rows have all that the messages need. */
export function checkoutMessages({
  eventIdOf,
}: {
  eventIdOf: (eventNo: number) => Promise<string | null>
}): Expansion<Row> {
  return {
    makes: {
      PaymentSucceeded: ['PaymentSucceeded'],
      PaymentFailed: ['PaymentFailed'],
      CheckoutQueued: ['CheckoutQueued'],
      CheckoutReady: ['CheckoutReady'],
      RefundRequired: ['RefundRequired'],
      PaymentRefunded: ['PaymentRefunded'],
      TicketsIssued: ['TicketIssued'],
      TicketsVoided: ['TicketVoided'],
    },
    columns: ['o.occurred_at', 'o.event_no', 'o.subject', 'o.revision', 'o.user_id', 'o.data'],
    async expand(_db, rows) {
      const messages: AnyMessage[] = []
      for (const row of rows) {
        const eventId = await eventIdOf(row.event_no)
        assert(eventId !== null, 'an event that a message speaks of exists')
        messages.push(...expandRow(row, eventId))
      }
      return messages
    },
  }
}

function expandRow(row: Row, event_id: string): AnyMessage[] {
  const { data } = row
  const payment_id = fromUuid('pay', row.subject)
  const whose = { event_id, reservation_id: data.reservation_id, user_id: fromUuid('usr', row.user_id) }
  const paid = { ...whose, payment_id, amount: data.amount, currency: data.currency }
  const envelope = <Name extends MessageType>(type: Name, subject: string = payment_id, revision = row.revision) => ({
    specversion: '1.0' as const,
    id: data.refund_id === undefined ? messageId(subject, revision, type) : messageId(data.refund_id, revision, type),
    source: `/v1/events/${event_id}`,
    type,
    subject,
    time: new Date(row.occurred_at).toISOString(),
    datacontenttype: 'application/json' as const,
    partitionkey: event_id,
    revision,
    ...(data.traceparent !== undefined && { traceparent: data.traceparent }),
  })
  switch (row.type) {
    case 'PaymentSucceeded':
      return [{ ...envelope('PaymentSucceeded'), data: paid }]
    case 'PaymentFailed':
      return [{ ...envelope('PaymentFailed'), data: { ...paid, final: data.final!, reason: data.reason! } }]
    case 'CheckoutQueued':
    case 'CheckoutReady': {
      const hold_until = new Date(data.hold_until!).toISOString()
      return row.type === 'CheckoutQueued'
        ? [{ ...envelope('CheckoutQueued'), data: { ...paid, hold_until } }]
        : [{ ...envelope('CheckoutReady'), data: { ...paid, hold_until } }]
    }
    case 'RefundRequired':
    case 'PaymentRefunded': {
      const refund = { ...paid, refund_id: data.refund_id!, reason: data.reason! }
      return row.type === 'RefundRequired'
        ? [{ ...envelope('RefundRequired'), data: refund }]
        : [{ ...envelope('PaymentRefunded'), data: refund }]
    }
    case 'TicketsIssued':
      return data.tickets!.map(({ ticket_id, seat_no = null, amount = 0 }) => ({
        ...envelope('TicketIssued', ticket_id, 1),
        data: { ...whose, ticket_id, seat_no, amount, currency: data.currency },
      }))
    case 'TicketsVoided':
      return data.tickets!.map(({ ticket_id, revision }) => ({
        ...envelope('TicketVoided', ticket_id, revision),
        data: { ...whose, ticket_id, reason: data.reason! },
      }))
    default:
      return []
  }
}
