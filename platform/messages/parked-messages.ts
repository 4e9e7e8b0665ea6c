import type { Queryable, Tx } from '#platform/postgres/database.ts'
import type { Message } from './message.ts'

/**
 * Messages that a consumer failed on alone are set aside, and with them the later ones of the same subject, so that the rest
 * goes on and each subject keeps its order. They are tried again after 1, 2, 4 … seconds, at most an hour, for ever: somebody
 * must look at them, and the metric says so.
 */
export async function park(tx: Tx, consumer: string, messages: readonly Message[], error: string): Promise<void> {
  await tx.query({
    label: 'park_1',
    text: `insert into holdfast.parked_messages (consumer, message_id, subject, message, next_attempt_at, error)
     select $1, m.message ->> 'id', m.message ->> 'subject', m.message, holdfast.clock() + interval '1 second', $3
     from jsonb_array_elements($2::jsonb) with ordinality m(message, n)
     where not exists (
       select from holdfast.inbox i
       where i.consumer = $1 and i.message_id = m.message ->> 'id' and i.occurred_at = (m.message ->> 'time')::timestamptz
     )
     order by m.n
     on conflict do nothing`,
    values: [consumer, JSON.stringify(messages), error.slice(0, 2000)],
  })
}

/** The messages apart that must wait because an earlier one of their subject is parked. */
export async function splitBehindParked(
  tx: Tx,
  consumer: string,
  messages: readonly Message[],
): Promise<{ ready: Message[]; behind: Message[] }> {
  const { rows } = await tx.query<{ subject: string }>({
    label: 'parked_subjects_1',
    text: 'select distinct subject from holdfast.parked_messages where consumer = $1 and subject = any ($2::text[])',
    values: [consumer, [...new Set(messages.map(message => message.subject))]],
  })
  if (rows.length === 0) return { ready: [...messages], behind: [] }
  const parked = new Set(rows.map(row => row.subject))
  return {
    ready: messages.filter(message => !parked.has(message.subject)),
    behind: messages.filter(message => parked.has(message.subject)),
  }
}

export type Parked = { place: number; message: Message }

/** The first parked message of each subject, where its time has come. */
export async function dueParked(db: Queryable, consumer: string, limit: number): Promise<Parked[]> {
  const { rows } = await db.query<Parked>({
    label: 'due_parked_1',
    text: `select p.place, p.message
     from holdfast.parked_messages p
     where p.consumer = $1 and p.next_attempt_at <= holdfast.clock()
       and not exists (
         select from holdfast.parked_messages e
         where e.consumer = p.consumer and e.subject = p.subject and e.place < p.place
       )
     order by p.next_attempt_at limit $2`,
    values: [consumer, limit],
  })
  return rows
}

/** Takes a parked message back to handle it; false when somebody else has. */
export async function unpark(tx: Tx, parked: Parked): Promise<boolean> {
  const { rowCount } = await tx.query({
    label: 'unpark_1',
    text: 'delete from holdfast.parked_messages where place = $1',
    values: [parked.place],
  })
  return rowCount === 1
}

export async function postpone(db: Queryable, parked: Parked, error: string): Promise<void> {
  await db.query({
    label: 'postpone_parked_1',
    text: `update holdfast.parked_messages
     set attempts = attempts + 1, error = $2,
       next_attempt_at = holdfast.clock() + least(power(2, attempts + 1), 3600) * interval '1 second'
     where place = $1`,
    values: [parked.place, error.slice(0, 2000)],
  })
}
