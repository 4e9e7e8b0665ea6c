import type { Message } from './message.ts'
import type { Cursor } from './snapshot-cursor.ts'

/**
 * A log of messages that any number of readers follow, each at its own place. The default is PostgreSQL itself: the outbox,
 * read by cursor. A log that is a server of its own keeps the same promise: at least once, and for each subject in the order
 * of its revisions.
 */
export interface MessageLog {
  /** The place of whoever wants only what is committed from now on. */
  now(): Promise<Cursor>
  /**
   * What comes after `cursor`: messages of these types (absent: all), about `limit` changes. Whole transactions; sorted by
   * key, subject and revision.
   *
   * @throws CursorFromElsewhere when the log went back in time
   */
  read(cursor: Cursor, options: { limit: number; types?: readonly string[] }): Promise<MessageRead>
}

export type MessageRead = {
  messages: Message[]
  /** Where to read on, also when there was nothing. */
  cursor: Cursor
  /** Nothing that was committed before this read is left. */
  caughtUp: boolean
}
