import type { Clock } from '#kernel/clock.ts'
import type { Random } from '#kernel/random.ts'
import type { Routes } from '#platform/http/server.ts'
import type { Job } from '#platform/jobs/periodic.ts'
import type { Consumer } from '#platform/messages/consumer.ts'
import type { Database } from '#platform/postgres/database.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import { mailboxRoutes } from './mailbox/http.ts'
import type { MailTransport, MakeAttachments, ReadOrderFacts } from './ports.ts'
import { queueMails } from './queue-mails.ts'
import { mailMetrics, measureMailsJob } from './send/metrics.ts'
import { sendMailJobs } from './send/send-mails.ts'
import { senderOf } from './sender.ts'

export { mailboxTransport } from './mailbox/mailbox-transport.ts'
export type { Attachment, MailTransport, MakeAttachments, OrderFacts, ReadOrderFacts } from './ports.ts'
export { smtpTransport } from './smtp/smtp-transport.ts'
export type { Template } from './template.ts'

export type NotificationsOptions = {
  db: Database
  clock: Clock
  random: Random
  logger: Logger
  metrics: Metrics
  transport: MailTransport
  facts: ReadOrderFacts
  attachments: MakeAttachments
  /** `Name <address>`; see HOLDFAST_MAIL_FROM. */
  from: string
  publicUrl: () => string
  /** While it says so, mails wait. */
  isOverloaded?: () => boolean
}

export type Notifications = {
  consumers: readonly Consumer[]
  jobs: readonly Job[]
  /** The mailbox's pages; none if the transport keeps no mails. */
  routes: Routes
}

/** Mails to buyers. Follows the messages of others; a mail that fails never touches a sale. */
export function createNotifications(options: NotificationsOptions): Notifications {
  const { db, clock, random, transport } = options
  const { domain, ...from } = senderOf(options.from)
  const metrics = mailMetrics(options.metrics)
  const { mailbox } = transport
  return {
    consumers: [queueMails({ clock, random, domain })],
    jobs: [...sendMailJobs({ ...options, from, metrics }), measureMailsJob({ db, metrics })],
    routes: mailbox === undefined ? () => {} : mailboxRoutes(mailbox),
  }
}
