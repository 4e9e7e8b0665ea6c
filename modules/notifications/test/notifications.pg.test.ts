import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pino } from 'pino'
import { systemClock as clock } from '#kernel/clock.ts'
import { systemRandom } from '#kernel/random.ts'
import { createHttpServer } from '#platform/http/server.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { createNotifications, type MailTransport, mailboxTransport, smtpTransport } from '../index.ts'
import { anOrder, aReservation, told } from './orders.ts'

const { db } = await testDatabase()
const random = systemRandom()
const logger = pino({ level: 'silent' })
const publicUrl = () => 'http://localhost:3000'
const folder = await mkdtemp(join(tmpdir(), 'holdfast-mailbox-'))
after(() => rm(folder, { recursive: true }))

function installation(transport: MailTransport) {
  const metrics = createMetrics({ processMetrics: false })
  const notifications = createNotifications({
    ...{ db, clock, random, logger, metrics, transport, publicUrl },
    facts: async () => anOrder(),
    attachments: async () => [
      { filename: 'Tickets.pdf', contentType: 'application/pdf', content: Buffer.from('%PDF') },
    ],
    from: 'Box office <tickets@hall.example>',
  })
  const app = createHttpServer({ clock, random, logger, metrics, publicUrl, authenticate: () => 'unauthenticated' })
  after(() => app.close())
  notifications.routes(app)
  return { ...notifications, app }
}

test('what the log tells is a mail in the mailbox a turn later', async () => {
  const { consumers, jobs, app } = installation(mailboxTransport({ folder, random }))
  await db.transaction(tx => consumers[0]!.handle(tx, [told('SeatsSold', aReservation(), { late: false })]))
  assert.match((await app.inject('/sandbox/mailbox')).body, /No mail yet/)
  for (const job of jobs) await job.run(new AbortController().signal)
  const list = await app.inject('/sandbox/mailbox')
  assert.match(list.body, /Your tickets for Night of the Long Notes.*\(1 attachment\)/s)
  const page = /href="(\/sandbox\/mailbox\/mail_\w+)"/.exec(list.body)![1]!
  assert.match((await app.inject(`${page}/html`)).body, /Hello Ada Lovelace,/)
  assert.match((await app.inject(`${page}/raw`)).body, /^Message-ID: <mail_\w+@hall\.example>\r$/m)
})

test('where mails go out there is no mailbox', async () => {
  const { app } = installation(smtpTransport({ url: 'smtp://127.0.0.1:1' }))
  assert.equal((await app.inject('/sandbox/mailbox')).statusCode, 404)
})
