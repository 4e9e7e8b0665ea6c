import type { Tx } from '#platform/postgres/database.ts'
import type { Message } from './message.ts'

/**
 * Notes the messages as handled by the consumer, in the transaction of their effect, and returns those that were not yet: one
 * effect a message, however often it is delivered.
 */
export async function enterInbox<M extends Message>(tx: Tx, consumer: string, messages: readonly M[]): Promise<M[]> {
  const { rows } = await tx.query<{ message_id: string }>({
    label: 'enter_inbox_1',
    text: `insert into holdfast.inbox (occurred_at, consumer, message_id)
     select m.occurred_at, $1, m.message_id from unnest($2::timestamptz[], $3::text[]) m(occurred_at, message_id)
     on conflict do nothing
     returning message_id`,
    values: [consumer, messages.map(message => message.time), messages.map(message => message.id)],
  })
  if (rows.length === messages.length) return [...messages]
  const entered = new Set(rows.map(row => row.message_id))
  // A message that came twice in one delivery was entered once.
  return messages.filter(message => entered.delete(message.id))
}
