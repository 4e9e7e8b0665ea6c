import type { EventId, Id, ReservationId } from '#kernel/ids.ts'
import type { Template } from './template.ts'

export type MailId = Id<'mail'>

/** An order as it is when a mail about it is written. Amounts in minor units, instants in milliseconds since 1970. */
export type OrderFacts = {
  to: { email: string | null; name: string }
  event: { name: string; startsAt: number; timezone: string; venue: { name: string; city: string } }
  /** `amount` is that of the whole line. */
  items: readonly { label: string; amount: number }[]
  amount: number
  currency: string
  /** Opens the order without a password; absolute. */
  accessUrl: string
  /** The end of the hold as it is now, where there is one. */
  expiresAt?: number
}

/** Null when there is no such order any more. Asked for each attempt, never in a transaction. */
export type ReadOrderFacts = (order: { eventId: EventId; reservationId: ReservationId }) => Promise<OrderFacts | null>

export type Attachment = { filename: string; contentType: string; content: Buffer }

/** What goes along with a mail of this template; for most of them nothing. */
export type MakeAttachments = (order: {
  eventId: EventId
  reservationId: ReservationId
  template: Template
}) => Promise<readonly Attachment[]>

export type Correspondent = { name: string; address: string }

export type OutgoingMail = {
  mailId: MailId
  /** Value of the Message-ID header, the same each time this mail is sent. */
  messageId: string
  sentAt: Date
  from: Correspondent
  to: Correspondent
  subject: string
  text: string
  html: string
  attachments: readonly Attachment[]
}

/** The way out. May be given a mail again that it has sent, and need not notice. */
export interface MailTransport {
  readonly name: string
  /**
   * Resolves when somebody else has taken the mail and answers for it. The signal gives up on it: what is still open is closed.
   *
   * @throws TerminalFault when this mail will never be taken, RetryableFault when it was not taken now, OutcomeUnknown when it
   * may have been. Their sentences are stored and logged, so they name no address.
   */
  send(mail: OutgoingMail, signal: AbortSignal): Promise<void>
  close?(): Promise<void>
  /** Of a transport that keeps its mails here: where to look at them. */
  readonly mailbox?: Mailbox
}

export type StoredMail = {
  mailId: MailId
  to: Correspondent
  subject: string
  /** Milliseconds since 1970. */
  sentAt: number
  text: string
  html: string
  attachments: readonly Attachment[]
}

export interface Mailbox {
  /** Newest first, those before `before`. */
  list(page: { limit: number; before: MailId | null }): Promise<{ mails: StoredMail[]; hasMore: boolean }>
  find(mailId: MailId): Promise<StoredMail | null>
  /** As it would have gone out, RFC 5322. */
  raw(mailId: MailId): Promise<Buffer | null>
}
