import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { pino } from 'pino'
import { toUuid } from '#kernel/ids.ts'
import { type Consumer, consumerJob } from '#platform/messages/consumer.ts'
import { setCursor } from '#platform/messages/consumer-place.ts'
import type { Message } from '#platform/messages/message.ts'
import type { MessageLog } from '#platform/messages/message-log.ts'
import { messageMetrics } from '#platform/messages/metrics.ts'
import { theBeginning } from '#platform/messages/snapshot-cursor.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { aReservation, type Named, queueing, told } from './orders.ts'

const { db } = await testDatabase()

/** A log that always delivers all of these, in one piece. */
const logOf = (messages: Message[]): MessageLog => ({
  now: async () => theBeginning,
  read: async cursor => ({ messages: [...messages], cursor, caughtUp: true }),
})

async function deliver(messages: Message[], consumer: Consumer = queueing): Promise<void> {
  await setCursor(db, consumer.name, theBeginning).catch(() => {}) // it has no place before its first turn
  await db.query(`update holdfast.message_cursors set leased_until = '-infinity'`)
  await consumerJob(consumer, {
    db,
    log: logOf(messages),
    processId: randomUUID(),
    metrics: messageMetrics(createMetrics({ processMetrics: false })),
    logger: pino({ level: 'silent' }),
  }).run(new AbortController().signal)
}

async function mailsOf({ reservationId }: Named, on: Queryable = db) {
  const { rows } = await on.query<{ template: string; state: string; data: object; message_id_header: string }>(
    `select template, state, data, message_id_header from holdfast.mails
     where reservation_id = $1 order by occurred_at, mail_id`,
    [toUuid(reservationId)],
  )
  return rows
}

const forgetInbox = () => db.query('delete from holdfast.inbox where consumer = $1', [queueing.name])

test('a message becomes one row, with no name and no address, and a Message-ID that will not change', async () => {
  const order = aReservation()
  await deliver([told('SeatsSold', order, { user_id: 'usr_1', late: false, email: 'ada@example.org' })])
  const [mail, ...others] = await mailsOf(order)
  assert.equal(others.length, 0)
  assert.deepEqual(
    { ...mail, message_id_header: '' },
    { template: 'tickets', state: 'queued', data: {}, message_id_header: '' },
  )
  assert.match(mail!.message_id_header, /^<mail_[0-9a-z]{26}@tickets\.example>$/)
})

test('a message that comes again has no second effect, not even when the inbox has forgotten it', async () => {
  const order = aReservation()
  const messages = [
    told('CheckoutQueued', order, { hold_until: '2026-11-22T10:10:00Z' }),
    told('CheckoutReady', order, { hold_until: '2026-11-22T10:10:00Z' }),
    told('PaymentFailed', order, { final: false }),
    told('SeatsSold', order, { late: false }),
  ]
  await deliver([...messages, messages[0]!])
  await deliver(messages)
  await forgetInbox()
  await deliver(messages)
  assert.deepEqual(
    (await mailsOf(order)).map(mail => mail.template),
    ['checkout-queued', 'checkout-ready', 'tickets'],
  )
})

test('a turn that is killed after the effect leaves nothing, and the next leaves one', async () => {
  const order = aReservation()
  const message = told('SeatsSold', order, { late: true })
  const killed: Consumer = {
    ...queueing,
    async handle(tx, messages) {
      await queueing.handle(tx, messages)
      assert.equal((await mailsOf(order, tx)).length, 1)
      await tx.query('select pg_terminate_backend(pg_backend_pid())')
    },
  }
  await assert.rejects(deliver([message], killed))
  assert.equal((await mailsOf(order)).length, 0)
  await deliver([message])
  assert.deepEqual(
    (await mailsOf(order)).map(mail => mail.template),
    ['late-payment-kept'],
  )
})

test('without the unique key a message that the inbox has forgotten makes two mails', async () => {
  await db.query('alter table holdfast.mails drop constraint a_message_asks_for_a_mail_once')
  const order = aReservation()
  const message = told('SeatsSold', order, { late: false })
  await deliver([message])
  await forgetInbox()
  await deliver([message])
  assert.equal((await mailsOf(order)).length, 2)
})
