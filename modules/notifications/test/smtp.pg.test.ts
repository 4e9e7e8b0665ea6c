import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { mailServer } from './mail-server.ts'
import { anOrder, aReservation, queue, told } from './orders.ts'
import { addressedTo, mailOf, overSmtp, sending } from './sending.ts'

const { db, advance } = await testDatabase()

async function anOrderWithMail() {
  const order = aReservation()
  await queue(db, told('SeatsSold', order, { late: false }))
  return order
}

test('a mail server gets the mail whole: both forms, the tickets, and our Message-ID', async () => {
  const server = await mailServer()
  const order = await anOrderWithMail()
  const pdf = Buffer.from('%PDF-1.7 \r\n.\r\n not really')
  const sender = sending(db, overSmtp(server.url), {
    attachments: async ({ template, reservationId }) => {
      assert.deepEqual([template, reservationId], ['tickets', order.reservationId])
      return [{ filename: 'Tickets für Ada.pdf', contentType: 'application/pdf', content: pdf }]
    },
  })
  assert.equal(await sender.turn(), 'more')
  const [mail] = server.received
  assert.deepEqual(mail?.recipients, ['ada@example.org'])
  assert.equal(mail?.subject, 'Your tickets for Night of the Long Notes')
  assert.deepEqual(mail?.from, { name: 'Holdfast', address: 'tickets@tickets.example' })
  assert.equal(mail?.messageId, (await mailOf(db, order)).message_id_header)
  assert.ok(mail?.text?.includes('Your tickets are attached.'))
  assert.ok(mail?.html?.includes('Your tickets are attached.'))
  assert.equal(mail?.attachments[0]?.filename, 'Tickets für Ada.pdf')
  assert.deepEqual(Buffer.from(mail?.attachments[0]?.content as ArrayBuffer), pdf)
  assert.equal((await mailOf(db, order)).state, 'sent')
  assert.match(await sender.printed(), /holdfast_mails_total\{template="tickets",outcome="sent"\} 1/)
})

test('a mail that is refused for now goes out later', async () => {
  const answers = [451, 421, null]
  const server = await mailServer({ onRecipient: () => answers.shift() ?? null })
  const order = await anOrderWithMail()
  const sender = sending(db, overSmtp(server.url))
  assert.equal(await sender.turn(), 'dry', 'the lane takes a breath')
  const once = await mailOf(db, order)
  assert.equal(once.state, 'queued')
  assert.ok(once.wait! > 14 && once.wait! <= 30, `it waits ${once.wait} s`)
  assert.match(once.last_error!, /451/)

  assert.equal(await sender.turn(), 'dry', 'it is not due')
  await advance(30_000)
  await sender.turn()
  await advance(60_000)
  assert.equal(await sender.turn(), 'more')
  assert.equal(server.received.length, 1)
  assert.deepEqual([(await mailOf(db, order)).state, (await mailOf(db, order)).attempts], ['sent', 3])
})

test('a mail that is refused for good is given up at once, and no line of ours has the address', async () => {
  for (const [where, server] of [
    ['recipient', await mailServer({ onRecipient: () => 550 })],
    ['text', await mailServer({ onData: () => 554 })],
  ] as const) {
    const order = await anOrderWithMail()
    const sender = sending(db, overSmtp(server.url))
    assert.equal(await sender.turn(), 'more', where)
    const { state, attempts, last_error } = await mailOf(db, order)
    assert.deepEqual([state, attempts], ['failed', 1], where)
    assert.match(last_error!, /55[04].*\(address\)/, where)
    assert.doesNotMatch(last_error! + JSON.stringify(sender.lines), /ada@|example\.org/, where)
    assert.equal(sender.lines.at(-1)?.msg, 'a mail could not be sent and is given up')
    assert.match(await sender.printed(), /outcome="failed"\} 1/)
    assert.equal(await sender.turn(), 'dry')
  }
})

test('a wrong password is a mistake of ours, which the mail outlives', async () => {
  const server = await mailServer({ password: 'right' })
  const order = await anOrderWithMail()
  await sending(db, overSmtp(server.url.replace('//', '//us:wr0ng-pass@'))).turn()
  const { state, last_error } = await mailOf(db, order)
  assert.equal(state, 'queued')
  assert.match(last_error!, /EAUTH.*535/)
  assert.doesNotMatch(last_error!, /wr0ng-pass/)
  await advance(30_000)
  await sending(db, overSmtp(server.url.replace('//', '//us:right@'))).turn()
  assert.equal((await mailOf(db, order)).state, 'sent')
})

test('a mail server that is away costs an attempt and nothing else', async () => {
  const gone = await mailServer()
  await gone.close()
  const order = await anOrderWithMail()
  const sender = sending(db, overSmtp(gone.url))
  assert.equal(await sender.turn(), 'dry')
  const { state, last_error } = await mailOf(db, order)
  assert.equal(state, 'queued')
  assert.match(last_error!, /RetryableFault.*ECONNREFUSED/)
  await endAll()
})

test('a server that says nothing at all is left after a while', async () => {
  const sockets = new Set<Socket>()
  const silent = createServer(socket => sockets.add(socket)).listen(0, '127.0.0.1')
  after(() => {
    for (const socket of sockets) socket.destroy()
    silent.close()
  })
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const order = await anOrderWithMail()
  await sending(db, overSmtp(`smtp://127.0.0.1:${port}`), { limitMs: 200 }).turn()
  const { state, last_error } = await mailOf(db, order)
  assert.equal(state, 'queued')
  assert.match(last_error!, /OutcomeUnknown: not done after 0\.2 s/)
  await Promise.all([...sockets].map(socket => socket.closed || once(socket, 'close')))
  await endAll()
})

test('one mail that hangs holds up its own lane only, and what is stopped then is tried again', async () => {
  const asked = Promise.withResolvers<void>()
  const never = Promise.withResolvers<null>()
  const server = await mailServer({
    onRecipient: address => {
      if (address !== 'slow@example.org') return null
      asked.resolve()
      return never.promise
    },
  })
  const slow = await anOrderWithMail()
  const isSlow = ({ reservationId }: { reservationId: string }) => reservationId === slow.reservationId
  const sender = sending(db, overSmtp(server.url), {
    limitMs: 2000,
    facts: async order => (isSlow(order) ? addressedTo('slow@example.org')(order) : anOrder()),
  })
  const hanging = sender.turn(0)
  await asked.promise
  for (let i = 0; i < 5; i++) await anOrderWithMail()
  while ((await sender.turn(1)) === 'more');
  assert.equal(server.received.length, 5, 'the other lane went on')
  assert.equal(await hanging, 'dry')
  assert.equal((await mailOf(db, slow)).state, 'queued')
  never.resolve(null)
  await endAll()
})

/** Nothing of one test is due in the next. */
async function endAll(): Promise<void> {
  await db.query(`update holdfast.mails set state = 'skipped', next_attempt_at = null where state = 'queued'`)
}
