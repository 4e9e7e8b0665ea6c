import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { RetryableFault, TerminalFault } from '#kernel/faults.ts'
import type { Database } from '#platform/postgres/database.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import type { MailTransport, OutgoingMail } from '../ports.ts'
import { mailMetrics, measureMailsJob } from '../send/metrics.ts'
import { attemptsMax } from '../send/retry-delay.ts'
import { anOrder, aReservation, type Named, queue, told } from './orders.ts'
import { addressedTo, mailOf, sending } from './sending.ts'

const { db, advance } = await testDatabase({ max: 20 })
afterEach(() => db.query('delete from holdfast.mails'))

/** A transport that takes everything, and by `meanwhile` whatever else should happen. */
function recording(meanwhile: (mail: OutgoingMail, signal: AbortSignal) => Promise<void> = async () => {}) {
  const sent: OutgoingMail[] = []
  const transport: MailTransport = {
    name: 'recording',
    async send(mail, signal) {
      sent.push(mail)
      await meanwhile(mail, signal)
    },
  }
  return { sent, transport }
}

async function anOrderWithMail(): Promise<Named> {
  const order = aReservation()
  await queue(db, told('SeatsSold', order, { late: false }))
  return order
}

test('two processes with four lanes each send every mail once', async () => {
  for (let i = 0; i < 40; i++) await anOrderWithMail()
  const { sent, transport } = recording()
  await Promise.all([sending(db, transport).drain(), sending(db, transport).drain()])
  assert.equal(sent.length, 40)
  assert.equal(new Set(sent.map(mail => mail.messageId)).size, 40)
  const { rows } = await db.query('select distinct state, attempts from holdfast.mails')
  assert.deepEqual(rows, [{ state: 'sent', attempts: 1 }])
})

test('while one process sends a mail, another does not get it', async () => {
  await anOrderWithMail()
  const { transport, sent } = recording(async () => {
    if (sent.length === 1) assert.equal(await sending(db, transport).turn(), 'dry')
  })
  await sending(db, transport).turn()
  assert.equal(sent.length, 1)
})

test('without the lease it does, and the mail goes out twice, under one Message-ID', async () => {
  const order = await anOrderWithMail()
  const { transport, sent } = recording(async () => {
    if (sent.length > 1) return
    await db.query(`update holdfast.mails set next_attempt_at = holdfast.clock()`)
    await sending(db, transport).turn()
  })
  const first = sending(db, transport)
  await first.turn()
  assert.equal(sent.length, 2)
  assert.equal(sent[0]!.messageId, sent[1]!.messageId)
  assert.equal(first.lines.at(-1)?.msg, 'a mail was sent twice: its lease had ended before it was sent')
  assert.equal((await mailOf(db, order)).state, 'sent')
})

test('a process that dies between sending and noting leads to a second copy with the same Message-ID', async () => {
  const order = await anOrderWithMail()
  const { transport, sent } = recording()
  const dying: Database = {
    ...db,
    query: async (statement, values) => {
      if (typeof statement !== 'string' && statement.label === 'mark_sent_1')
        throw new RetryableFault('the database went away')
      return db.query(statement, values)
    },
  }
  await assert.rejects(sending(dying, transport).turn(), RetryableFault)
  assert.equal(await sending(db, transport).turn(), 'dry', 'the lease of the dead holds')
  await advance(121_000)
  assert.equal(await sending(db, transport).turn(), 'more')
  assert.equal(sent.length, 2)
  assert.equal(sent[0]!.messageId, sent[1]!.messageId)
  assert.deepEqual([(await mailOf(db, order)).state, (await mailOf(db, order)).attempts], ['sent', 2])
})

test('who has lost the lease no longer decides, unless the mail is out', async () => {
  const order = await anOrderWithMail()
  const { transport, sent } = recording(async () => {
    if (sent.length > 1) throw new RetryableFault('busy')
    await db.query(`update holdfast.mails set next_attempt_at = holdfast.clock()`)
    await sending(db, transport).turn()
    throw new TerminalFault('never')
  })
  await sending(db, transport).turn()
  const { state, attempts, last_error } = await mailOf(db, order)
  assert.deepEqual([state, attempts, last_error], ['queued', 2, 'RetryableFault: busy'])
})

test('after the last attempt a mail is given up', async () => {
  const order = await anOrderWithMail()
  const { transport, sent } = recording(async () => {
    throw new RetryableFault('busy')
  })
  const sender = sending(db, transport)
  for (let i = 1; i <= attemptsMax; i++) {
    await sender.turn()
    await advance(6 * 3_600_000)
  }
  assert.equal(await sender.turn(), 'dry')
  assert.equal(sent.length, attemptsMax)
  const { state, last_error } = await mailOf(db, order)
  assert.deepEqual([state, last_error], ['failed', 'tried too often; at last: RetryableFault: busy'])
})

test('a mail that kills whoever sends it is given up too', async () => {
  const order = await anOrderWithMail()
  await db.query('update holdfast.mails set attempts = $1', [attemptsMax])
  const { transport, sent } = recording()
  await sending(db, transport).turn()
  assert.equal(sent.length, 0)
  assert.equal((await mailOf(db, order)).state, 'failed')
})

test('a mistake in a mail costs that mail and not those behind it', async () => {
  const broken = await anOrderWithMail()
  const good = await anOrderWithMail()
  const { transport, sent } = recording()
  const sender = sending(db, transport, {
    facts: async ({ reservationId }) => {
      const order = anOrder()
      return reservationId === good.reservationId
        ? order
        : { ...order, event: { ...order.event, timezone: 'Mars/Olympus' } }
    },
  })
  assert.deepEqual([await sender.turn(), await sender.turn()], ['dry', 'more'])
  assert.equal(sent.length, 1)
  assert.match((await mailOf(db, broken)).last_error!, /Mars\/Olympus/)
})

test('nobody to send to, or an address that could be two, is skipped with its reason', async () => {
  const addresses = [
    null,
    '',
    'ada',
    'ada@example.org, eve@example.org',
    'ada@example.org\r\nBcc: eve@x.org',
    '<ada@example.org>',
  ]
  for (const address of addresses) {
    const order = await anOrderWithMail()
    const { transport, sent } = recording()
    await sending(db, transport, { facts: addressedTo(address) }).turn()
    assert.equal(sent.length, 0)
    const { state, last_error } = await mailOf(db, order)
    assert.deepEqual([state, last_error], ['skipped', 'no mail address'], String(address))
  }
  const order = await anOrderWithMail()
  await sending(db, recording().transport, { facts: async () => null }).turn()
  assert.equal((await mailOf(db, order)).last_error, 'the order is gone')
})

test('what holds only for a time is not said when it has passed', async () => {
  const until = (ms: number) => ({ hold_until: new Date(Date.now() + ms).toISOString() })
  const { transport, sent } = recording()
  const now = sending(db, transport)

  const late = aReservation()
  await queue(db, told('CheckoutReady', late, { hold_until: '2020-01-01T00:00:00Z' }))
  await now.turn()
  assert.equal((await mailOf(db, late)).last_error, 'the hold has ended')

  const { rows } = await db.query<{ now: number }>('select holdfast.clock() as now')
  const moved = { expiresAt: rows[0]!.now + 600_000 }
  const extended = aReservation()
  await queue(db, told('CheckoutReady', extended, { hold_until: '2020-01-01T00:00:00Z' }))
  await sending(db, transport, { facts: async () => anOrder(moved) }).turn()
  assert.equal((await mailOf(db, extended)).state, 'sent', 'its hold was given more time')

  const order = aReservation()
  await queue(db, told('CheckoutQueued', order, until(10 ** 10)), told('CheckoutReady', order, until(10 ** 10)))
  await now.drain()
  const { rows: mails } = await db.query(
    `select template, state, last_error from holdfast.mails where reservation_id =
       (select reservation_id from holdfast.mails where template = 'checkout-queued') order by occurred_at`,
  )
  assert.deepEqual(mails, [
    { template: 'checkout-queued', state: 'skipped', last_error: 'overtaken by newer news' },
    { template: 'checkout-ready', state: 'sent', last_error: null },
  ])
  assert.equal(sent.length, 2)
})

test('a process that stops does not wait for a mail that hangs', async () => {
  const order = await anOrderWithMail()
  const begun = Promise.withResolvers<AbortSignal>()
  const { transport } = recording((_, signal) => {
    begun.resolve(signal)
    return new Promise(() => {})
  })
  let wake = () => {}
  const graces: number[] = []
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    sleep: (ms: number) =>
      new Promise<void>(resolve => {
        graces.push(ms)
        if (ms < 60_000) wake = resolve
      }),
  }
  const sender = sending(db, transport, { clock })
  const turn = sender.turn()
  const signal = await begun.promise
  sender.stop()
  wake()
  assert.equal(await turn, 'dry')
  assert.deepEqual(graces, [60_000, 5000])
  assert.ok(signal.aborted, 'the transport is told')
  assert.equal((await mailOf(db, order)).last_error, 'OutcomeUnknown: the process stopped')
})

test('while the sale needs the machine, mails wait', async () => {
  await anOrderWithMail()
  const { transport, sent } = recording()
  assert.equal(await sending(db, transport, { isOverloaded: () => true }).turn(), 'dry')
  assert.equal(sent.length, 0)
})

test('the length of the queue and its oldest mail are measured', async () => {
  const metrics = createMetrics({ processMetrics: false })
  const job = measureMailsJob({ db, metrics: mailMetrics(metrics) })
  const measured = async (name: string) => {
    await job.run(new AbortController().signal)
    return Number(new RegExp(`^${name} (.*)$`, 'm').exec(await metrics.registry.metrics())?.[1])
  }
  assert.equal(await measured('holdfast_mails_oldest_due_seconds'), 0)
  for (let i = 0; i < 3; i++) await anOrderWithMail()
  await db.query(
    `update holdfast.mails set next_attempt_at = next_attempt_at + interval '1 hour'
     where mail_id = (select min(mail_id::text) from holdfast.mails)::uuid`,
  )
  await advance(100_000)
  assert.equal(await measured('holdfast_mails_queued'), 3)
  assert.equal(await measured('holdfast_mails_due'), 2)
  const oldest = await measured('holdfast_mails_oldest_due_seconds')
  assert.ok(oldest >= 100 && oldest < 160, `${oldest} s`)
})
