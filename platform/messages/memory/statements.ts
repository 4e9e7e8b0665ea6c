import type { MemoryStatements } from '../../memory/statements.ts'
import { defineTable } from '../../memory/table.ts'
import type { Message } from '../message.ts'
import { formatSnapshot } from '../snapshot.ts'
import { snapshotOf } from './source-statements.ts'

/** The tables of consumers with their constraints. */
type CursorRow = { consumer: string; snapshot: string; moves: number; leasedBy: string | null; leasedUntil: number }
export const messageCursors = defineTable<CursorRow>({ name: 'message_cursors', key: row => row.consumer })

type InboxRow = { consumer: string; messageId: string; occurredAt: number }
const inboxKey = ({ consumer, messageId, occurredAt }: InboxRow) => `${consumer} ${messageId} ${occurredAt}`
const inbox = defineTable<InboxRow>({ name: 'inbox', key: inboxKey })

type ParkedRow = {
  place: number
  consumer: string
  messageId: string
  subject: string
  message: Message
  attempts: number
  nextAttemptAt: number
  error: string
}
export const parkedMessages = defineTable<ParkedRow>({
  name: 'parked_messages',
  key: row => `${row.place}`,
  unique: { a_message_is_parked_once: row => `${row.consumer} ${row.messageId}` },
})

const leaseMs = 15_000
const renewMs = 10_000

/** Twins of what consumers ask of their own tables. */
export const messageStatements: MemoryStatements = {
  cursor_now_1: tx =>
    tx.read('cursor now', view => [
      { cursor: formatSnapshot(snapshotOf(view.snapshot())), standby: false, own_xid: null },
    ]),

  find_place_1: (tx, [consumer, processId]: [string, string]) =>
    tx.read('place', view => {
      const found = view.get(messageCursors, consumer)
      if (found === undefined) return []
      const now = tx.now()
      const { snapshot: cursor, moves, leasedBy, leasedUntil } = found
      const is_free = leasedBy === processId || leasedUntil < now
      return [
        { cursor, moves, is_free, is_due: leasedBy !== processId || leasedUntil < now + renewMs, is_of_here: true },
      ]
    }),

  enrol_consumer_1: (tx, [consumer, snapshot]: [string, string]) =>
    tx.insert(
      messageCursors,
      [{ consumer, snapshot, moves: 0, leasedBy: null, leasedUntil: Number.NEGATIVE_INFINITY }],
      {
        onConflict: 'nothing',
      },
    ),

  move_place_1: (tx, [consumer, moves, snapshot, processId]: [string, number, string, string]) =>
    tx.update(messageCursors, {
      keys: [consumer],
      where: row => row.moves === moves,
      set: row => ({ ...row, snapshot, moves: moves + 1, leasedBy: processId, leasedUntil: tx.now() + leaseMs }),
    }),

  hold_place_1: (tx, [consumer, moves]: [string, number]) =>
    tx.lock(messageCursors, { keys: [consumer], where: row => row.moves === moves }),

  enter_inbox_1: async (tx, [consumer, times, ids]: [string, string[], string[]]) => {
    const rows = ids.map((messageId, i) => ({ consumer, messageId, occurredAt: Date.parse(times[i]!) }))
    const entered = await tx.insert(inbox, rows, { onConflict: 'nothing' })
    return entered.map(row => ({ message_id: row.messageId }))
  },

  park_1: async (tx, [consumer, text, error]: [string, string, string]) => {
    const messages = JSON.parse(text) as Message[]
    const nextAttemptAt = tx.now() + 1000
    const fresh = await tx.read('inbox', view =>
      messages.filter(({ id: messageId, time }) => {
        return view.get(inbox, inboxKey({ consumer, messageId, occurredAt: Date.parse(time) })) === undefined
      }),
    )
    const rows = fresh.map(message => ({
      place: tx.next('parked place'),
      consumer,
      messageId: message.id,
      subject: message.subject,
      message,
      attempts: 0,
      nextAttemptAt,
      error,
    }))
    return tx.insert(parkedMessages, rows, { onConflict: 'nothing' })
  },

  parked_subjects_1: (tx, [consumer, subjects]: [string, string[]]) =>
    tx.read('parked subjects', view => {
      const parked = view.rows(parkedMessages, {
        where: row => row.consumer === consumer && subjects.includes(row.subject),
      })
      return [...new Set(parked.map(row => row.subject))].map(subject => ({ subject }))
    }),

  due_parked_1: (tx, [consumer, limit]: [string, number]) =>
    tx.read('due parked', view => {
      const own = view.rows(parkedMessages, { where: row => row.consumer === consumer })
      const isFirst = (row: ParkedRow) => !own.some(other => other.subject === row.subject && other.place < row.place)
      return own
        .filter(row => row.nextAttemptAt <= tx.now() && isFirst(row))
        .sort((a, b) => a.nextAttemptAt - b.nextAttemptAt)
        .slice(0, limit)
        .map(({ place, message }) => ({ place, message }))
    }),

  unpark_1: (tx, [place]: [number]) => tx.remove(parkedMessages, { keys: [`${place}`] }),

  postpone_parked_1: (tx, [place, error]: [number, string]) =>
    tx.update(parkedMessages, {
      keys: [`${place}`],
      set: row => ({
        ...row,
        attempts: row.attempts + 1,
        error,
        nextAttemptAt: tx.now() + Math.min(2 ** (row.attempts + 1), 3600) * 1000,
      }),
    }),
}
