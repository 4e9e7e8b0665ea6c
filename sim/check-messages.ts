import { fromUuid } from '#kernel/ids.ts'
import { mails } from '#notifications/memory'
import { messageCursors, parkedMessages } from '#platform/messages/memory/index.ts'
import type { Message } from '#platform/messages/message.ts'
import { contains, parseSnapshot } from '#platform/messages/snapshot.ts'
import { theBeginning } from '#platform/messages/snapshot-cursor.ts'
import { outbox } from '#reservations/memory'
import { cries } from './readers.ts'
import type { Town } from './town.ts'

/** What those who follow the messages have not come to yet. */
export function unreadOf({ database }: Town): string[] {
  const last = database.rows(outbox).at(-1)
  const cursors = database.rows(messageCursors)
  const behind =
    last === undefined ? [] : cursors.filter(({ snapshot }) => !contains(parseSnapshot(snapshot), BigInt(last.xid)))
  return [
    ...behind.map(({ consumer }) => `${consumer} has not read everything`),
    ...database.rows(parkedMessages).map(row => `${row.messageId} is parked: ${row.error}`),
    ...database.rows(mails).flatMap(row => (row.state === 'queued' ? [`a mail is queued: ${row.last_error}`] : [])),
  ]
}

/** Each message once, of one subject in the order of revisions; for each that asks for a mail one mail, and it went out. */
export function checkReaders(town: Town, messages: readonly Message[]): string[] {
  const { database, delivered } = town
  const wrong: string[] = []
  const cried = new Map<string, number>()
  const last = new Map<string, number>()
  for (const { id, subject, revision } of database.rows(cries).sort((a, b) => a.position - b.position)) {
    cried.set(id, (cried.get(id) ?? 0) + 1)
    if (revision < (last.get(subject) ?? 0)) wrong.push(`${id} was cried after revision ${last.get(subject)}`)
    last.set(subject, revision)
  }
  for (const { id } of messages) if (cried.get(id) !== 1) wrong.push(`${id} was cried ${cried.get(id) ?? 0} times`)
  if (cried.size !== messages.length) wrong.push(`${cried.size} messages were cried, and there are ${messages.length}`)

  const asked = Map.groupBy(database.rows(mails), mail => mail.dedupe_key.slice(0, mail.dedupe_key.lastIndexOf('.')))
  const mustWrite = messages.filter(({ type }) => ['SeatsSold', 'RefundRequired', 'PaymentRefunded'].includes(type))
  for (const { id } of mustWrite) {
    const written = asked.get(id) ?? []
    if (written.length !== 1) wrong.push(`${id} has ${written.length} mails`)
    for (const mail of written)
      if (mail.state !== 'sent' || !delivered.has(fromUuid('mail', mail.mail_id)))
        wrong.push(`the mail of ${id} is ${mail.state}: ${mail.last_error}`)
  }
  return wrong
}

/** Everything that the log has, as somebody sees it who begins now. */
export async function readLog(town: Town): Promise<Message[]> {
  const { messages } = await town.anyOffice().log.read(theBeginning, { limit: Number.MAX_SAFE_INTEGER })
  return messages
}
