import { after } from 'node:test'
import { pino } from 'pino'
import { systemClock } from '#kernel/clock.ts'
import { toUuid } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import type { Database } from '#platform/postgres/database.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import type { MailTransport, OrderFacts } from '../ports.ts'
import { mailMetrics } from '../send/metrics.ts'
import { type SendMailsDeps, sendMailJobs } from '../send/send-mails.ts'
import { smtpTransport } from '../smtp/smtp-transport.ts'
import { anOrder, type Named } from './orders.ts'

/** One process that sends, its lines in the log, and its metrics. */
export function sending(db: Database, transport: MailTransport, change: Partial<SendMailsDeps> = {}) {
  const lines: { msg: string; reason?: string }[] = []
  const metrics = createMetrics({ processMetrics: false })
  const logger = pino({ level: 'info' }, { write: line => void lines.push(JSON.parse(line)) })
  const jobs = sendMailJobs({
    db,
    clock: systemClock,
    random: systemRandom(),
    logger,
    metrics: mailMetrics(metrics),
    transport,
    facts: async () => anOrder(),
    attachments: async () => [],
    from: { name: 'Holdfast', address: 'tickets@tickets.example' },
    publicUrl: () => 'https://tickets.example',
    ...change,
  })
  const stopping = new AbortController()
  const turn = (lane = 0) => jobs[lane]!.run(stopping.signal)
  return {
    lines,
    stop: () => stopping.abort(),
    turn,
    /** All lanes until each has nothing left to do. */
    drain: () =>
      Promise.all(
        jobs.map(async (_, lane) => {
          while ((await turn(lane)) === 'more');
        }),
      ),
    printed: () => metrics.registry.metrics(),
  }
}

/** Connections are let go when the tests of the file have ended. */
export function overSmtp(url: string, silenceMs = 5000): MailTransport {
  const transport = smtpTransport({ url, silenceMs })
  after(() => transport.close?.())
  return transport
}

export function addressedTo(email: string | null): (order: unknown) => Promise<OrderFacts> {
  return async () => anOrder({ to: { email, name: 'Ada' } })
}

export type MailRow = {
  state: string
  attempts: number
  last_error: string | null
  /** Seconds until the next attempt. */
  wait: number | null
  message_id_header: string
}

export async function mailOf(db: Database, { reservationId }: Named): Promise<MailRow> {
  const { rows } = await db.query<MailRow>(
    `select state, attempts, last_error, message_id_header,
       date_part('epoch', next_attempt_at - holdfast.clock()) as wait
     from holdfast.mails where reservation_id = $1`,
    [toUuid(reservationId)],
  )
  return rows[0]!
}
