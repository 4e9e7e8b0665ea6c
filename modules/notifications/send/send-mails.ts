import type { Clock } from '#kernel/clock.ts'
import { TerminalFault } from '#kernel/faults.ts'
import type { Random } from '#kernel/random.ts'
import type { Job } from '#platform/jobs/periodic.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { MailTransport } from '../ports.ts'
import { type ClaimedMail, claimMail, closeUnsent, markSent, postponeMail } from './mails.sql.ts'
import type { MailMetrics } from './metrics.ts'
import { attemptsMax, retryDelayMs } from './retry-delay.ts'
import { within } from './within.ts'
import { type WriteMailDeps, writeMail } from './write-mail.ts'

export type SendMailsDeps = WriteMailDeps & {
  db: Queryable
  clock: Clock
  random: Random
  logger: Logger
  metrics: MailMetrics
  transport: MailTransport
  /** While it says so, mails wait: the sale needs the machine more. */
  isOverloaded?: () => boolean
  /** How many mails may be under way at once; each lane is a job of its own, so a mail that hangs holds up its lane alone. */
  lanes?: number
  /** For one mail with its attachments, all in all. */
  limitMs?: number
}

const lookMs = 1000
const graceMs = 5000

/**
 * Sends what is queued. A lane takes one mail (a lease of twice the time it may need), writes and sends it outside of any
 * transaction, and notes what came of it:
 *
 *   queued -> sent | failed (will never be taken, or was tried too often) | skipped (nobody to send to, nothing left to tell)
 *   queued -> queued, later
 *
 * At least once: a process that dies between sending and noting, or whose sending outlasts the lease, leads to a second copy.
 * It carries the same Message-ID, by which mail programs and people know it again. The other order, noting first, would lose
 * mails instead, and a buyer without a ticket is worse off than one with two copies of it.
 */
export function sendMailJobs(deps: SendMailsDeps): Job[] {
  const { lanes = 4 } = deps
  return Array.from({ length: lanes }, (_, lane) => ({
    name: `send-mails-${lane + 1}`,
    everyMs: lookMs,
    run: signal => sendNext(deps, signal),
    // Jobs are stopped after the last turn of all of them.
    ...(lane === 0 && { stop: async () => deps.transport.close?.() }),
  }))
}

async function sendNext(deps: SendMailsDeps, stopping: AbortSignal): Promise<'more' | 'dry'> {
  const { db, metrics, logger, limitMs = 60_000 } = deps
  if (deps.isOverloaded?.() === true) return 'dry'
  const mail = await claimMail(db, (2 * limitMs) / 1000)
  if (mail === null) return 'dry'
  const outcome = await attempt(mail, { ...deps, limitMs }, stopping)
  const { mailId, template, attempts, reservationId, traceparent } = mail
  const line = {
    mail_id: mailId,
    template,
    attempts,
    reservation_id: reservationId,
    ...(traceparent && { traceparent }),
  }
  switch (outcome.state) {
    case 'sent':
      if (!(await markSent(db, mail)))
        logger.warn(line, 'a mail was sent twice: its lease had ended before it was sent')
      else logger.debug(line, 'a mail is sent')
      break
    case 'postponed':
      await postponeMail(db, mail, outcome)
      logger.warn({ ...line, reason: outcome.reason }, 'a mail could not be sent and is tried again')
      break
    case 'failed':
      await closeUnsent(db, mail, outcome)
      logger.error({ ...line, reason: outcome.reason }, 'a mail could not be sent and is given up')
      break
    case 'skipped':
      await closeUnsent(db, mail, outcome)
      logger.info({ ...line, reason: outcome.reason }, 'a mail is not sent')
  }
  metrics.outcomes.inc({ template: mail.template, outcome: outcome.state })
  // After a failure the lane takes a breath, so that a mail server that is away is not asked as fast as it refuses.
  return outcome.state === 'postponed' ? 'dry' : 'more'
}

type Outcome =
  | { state: 'sent' }
  | { state: 'failed' | 'skipped'; reason: string }
  | { state: 'postponed'; reason: string; delayMs: number }

async function attempt(
  mail: ClaimedMail,
  deps: SendMailsDeps & { limitMs: number },
  stopping: AbortSignal,
): Promise<Outcome> {
  const { clock, limitMs } = deps
  // Reached only if processes died with it again and again, before they could note anything.
  if (mail.attempts > attemptsMax) return { state: 'failed', reason: 'tried too often, and nobody lived to tell' }
  try {
    return await within(
      async signal => {
        const written = await writeMail(mail, deps)
        if (!written.ok) return { state: 'skipped', reason: written.reason }
        signal.throwIfAborted()
        await deps.transport.send({ ...written.mail, sentAt: new Date(clock.now()) }, signal)
        return { state: 'sent' }
      },
      { clock, limitMs, graceMs, stopping },
    )
  } catch (error) {
    // Whatever it is, a mistake in a template too: it must cost this mail and not those behind it.
    const reason = reasonOf(error)
    if (error instanceof TerminalFault) return { state: 'failed', reason }
    if (mail.attempts >= attemptsMax) return { state: 'failed', reason: `tried too often; at last: ${reason}` }
    return { state: 'postponed', reason, delayMs: retryDelayMs(mail.attempts, deps.random.fraction()) }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
