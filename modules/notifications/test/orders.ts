import { randomUUID } from 'node:crypto'
import { systemClock } from '#kernel/clock.ts'
import { type EventId, fromUuid, type ReservationId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import type { Message } from '#platform/messages/message.ts'
import type { Database } from '#platform/postgres/database.ts'
import type { OrderFacts } from '../ports.ts'
import { queueMails } from '../queue-mails.ts'

export const house = { name: 'Holdfast', url: 'https://tickets.example' }

export function anOrder(change: Partial<OrderFacts> = {}): OrderFacts {
  return {
    to: { email: 'ada@example.org', name: 'Ada Lovelace' },
    event: {
      name: 'Night of the Long Notes',
      startsAt: Date.UTC(2026, 10, 22, 19, 0),
      timezone: 'Europe/Berlin',
      venue: { name: 'Great Hall', city: 'Leipzig' },
    },
    items: [
      { label: 'Stalls, row 4, seat 12', amount: 4900 },
      { label: 'Stalls, row 4, seat 13', amount: 4900 },
    ],
    amount: 9800,
    currency: 'EUR',
    accessUrl: 'https://tickets.example/orders/rsv_1?key=k-3',
    ...change,
  }
}

export type Named = { eventId: EventId; reservationId: ReservationId }

export function aReservation(): Named {
  return { eventId: fromUuid('evt', randomUUID()), reservationId: fromUuid('rsv', randomUUID()) }
}

let revisions = 0

/** A message as the log would deliver it. */
export function told(type: string, { eventId, reservationId }: Named, data: object = {}): Message {
  const revision = ++revisions
  return {
    specversion: '1.0',
    id: `${reservationId}.${revision}.${type}`,
    source: `/v1/events/${eventId}`,
    type,
    subject: reservationId,
    time: new Date(Date.UTC(2026, 10, 22, 10) + revision * 1000).toISOString(),
    datacontenttype: 'application/json',
    partitionkey: eventId,
    revision,
    data: { event_id: eventId, reservation_id: reservationId, ...data },
  }
}

export const queueing = queueMails({ clock: systemClock, random: systemRandom(), domain: 'tickets.example' })

export async function queue(db: Database, ...messages: Message[]): Promise<void> {
  await db.transaction(tx => queueing.handle(tx, messages))
}
