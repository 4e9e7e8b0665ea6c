import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type ReservationId, toUuid } from '#kernel/ids.ts'
import { type Answer, ask } from './harness/ask.ts'
import { seatId } from './harness/hall.ts'
import { type Guest, hold, installation } from './harness/installation.ts'

const box = await installation()
const { url } = box.servers[0]!
const { eventId } = await box.createEvent(url, {
  hall: { rows: 4, seatsPerRow: 20 },
  holdPolicy: { hold_seconds: 600, max_extensions: 1, extension_seconds: 300, single_seat_rule: 'allow' },
})
const { sandbox_url: sandbox } = (await ask(url, { path: '/v1/config' })).body.payments
let nextSeat = 1

async function held(quantity = 2): Promise<{ guest: Guest; path: string; reservationId: string }> {
  const guest = box.newGuest()
  const seat_ids = Array.from({ length: quantity }, () => seatId(1 + Math.floor(nextSeat / 20), 1 + (nextSeat++ % 20)))
  const { status, body } = await hold(url, guest, { event_id: eventId, seat_ids })
  assert.equal(status, 201, JSON.stringify(body))
  return { guest, path: `/v1/reservations/${body.reservation_id}`, reservationId: body.reservation_id }
}

function checkOut(
  { guest, path }: { guest: Guest; path: string },
  body: object = { email: 'ada@example.org', name: 'Ada' },
) {
  return ask(url, { method: 'POST', path: `${path}/checkout`, token: guest.token, body })
}

async function pay({ body }: Answer, method = 'pm_card_visa') {
  return fetch(`${sandbox}/v1/payment_intents/${body.provider_ref}/confirm`, {
    method: 'POST',
    headers: { authorization: `Bearer ${body.publishable_key}` },
    body: new URLSearchParams({ client_secret: body.client_secret, payment_method: method }),
  })
}

async function until(question: () => Promise<Answer>, isSo: (body: Answer['body']) => boolean): Promise<Answer> {
  const end = Date.now() + 15_000
  for (;;) {
    const answer = await question()
    if (isSo(answer.body)) return answer
    assert.ok(Date.now() < end, `still ${JSON.stringify(answer.body)}`)
    await wait(50)
  }
}

async function bought(quantity = 2) {
  const order = await held(quantity)
  assert.equal((await pay(await checkOut(order))).status, 200)
  const look = () => ask(url, { path: order.path, token: order.guest.token })
  const { body } = await until(look, it => it.state === 'confirmed')
  return { ...order, body, look }
}

test('hold, check out, pay, and have the tickets, as JSON, as a picture, as pages and in the mail', async () => {
  const { guest, body, path } = await bought()
  assert.equal(body.payment.status, 'captured')
  assert.equal(body.tickets.length, 2)
  const ticketPath = `/v1/tickets/${body.tickets[0].ticket_id}`
  const ticket = await ask(url, { path: ticketPath, token: guest.token })
  assert.equal(ticket.body.qr_payload.length, 138)
  assert.equal(ticket.headers['cache-control'], 'private, no-store')
  const headers = { authorization: `Bearer ${guest.token}` }
  const svg = await fetch(`${url}${ticketPath}.svg`, { headers })
  assert.equal(svg.headers.get('content-type'), 'image/svg+xml; charset=utf-8')
  assert.match(await svg.text(), /^<svg /)
  const pdf = await fetch(`${url}${path}/tickets.pdf`, { headers })
  assert.equal(pdf.headers.get('content-type'), 'application/pdf')
  assert.match(await pdf.text(), /^%PDF/)
  const mine = await ask(url, { path: '/v1/me/tickets?limit=1', token: guest.token })
  assert.equal(mine.body.items.length, 1)
  const rest = await ask(url, { path: `/v1/me/tickets?cursor=${mine.body.next_cursor}`, token: guest.token })
  assert.equal(rest.body.items.length, 1)
  const end = Date.now() + 15_000
  while (!(await (await fetch(`${url}/sandbox/mailbox`)).text()).includes('ada@example.org')) {
    assert.ok(Date.now() < end, 'no mail came')
    await wait(100)
  }
})

test('what costs nothing is sold at checkout: tickets, a mail, the same answer again, and a refund without money', async () => {
  const free = await box.createEvent(url, { hall: { rows: 1, seatsPerRow: 4 }, isFree: true })
  const guest = box.newGuest()
  const made = await hold(url, guest, { event_id: free.eventId, seat_ids: [seatId(1, 1), seatId(1, 2)] })
  const path = `/v1/reservations/${made.body.reservation_id}`
  const buyer = { email: 'free@example.org', name: 'Ada' }
  for (let times = 0; times < 2; times++) {
    const { status, body } = await checkOut({ guest, path }, buyer)
    assert.deepEqual([status, body], [200, { payment_id: null, status: 'not_required' }])
  }
  const { body } = await ask(url, { path, token: guest.token })
  assert.deepEqual([body.state, body.tickets.length, body.payment], ['confirmed', 2, undefined])
  const end = Date.now() + 15_000
  while (!(await (await fetch(`${url}/sandbox/mailbox`)).text()).includes('free@example.org')) {
    assert.ok(Date.now() < end, 'no mail came')
    await wait(100)
  }
  const refund = { method: 'POST', path: `${path}/refund`, body: { reason: 'ill' }, key: 'refund-free' }
  const { body: given } = await box.staff(url, refund)
  assert.deepEqual(given, { refund_id: null, amount: 0, status: 'not_required' })
  const audit = (await box.staff(url, { path: `/v1/events/${free.eventId}/audit` })).body
  assert.deepEqual([audit.balanced, audit.live_tickets, audit.sold], [true, 0, 0])
})

test('where the bank sends the buyer back to is told to the page: as it wished, or to the reservation', async () => {
  const order = await held(1)
  const wished = 'https://tickets.example.org/thanks?order=7'
  const buyer = { email: 'ada@example.org', name: 'Ada' }
  assert.equal((await checkOut(order, { ...buyer, return_url: wished })).body.return_url, wished)
  assert.match((await checkOut(order, buyer)).body.return_url, new RegExp(`${order.path}\\?access=`))
  const refused = await checkOut(order, { ...buyer, return_url: 'javascript:alert(1)' })
  assert.equal(refused.status, 400)
  assert.match(refused.body.detail, /return_url must begin with https/)
})

test('the trace of a checkout is found in its payment, its messages and its mails', async () => {
  const order = await held(1)
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const payment = await ask(url, {
    method: 'POST',
    path: `${order.path}/checkout`,
    token: order.guest.token,
    headers: { traceparent },
    body: { email: 'traced@example.org', name: 'Ada' },
  })
  await pay(payment)
  const mailOf = async () => {
    const { rows } = await box.database.db.query<{ traceparent: string }>(
      'select traceparent from holdfast.mails where reservation_id = $1',
      [toUuid(order.reservationId as ReservationId)],
    )
    return { status: 200, headers: {}, body: rows }
  }
  const { body: mails } = await until(mailOf, rows => rows.length > 0)
  assert.deepEqual(mails, [{ traceparent }])
})

test('the access_url leads back without a token, to this order and no other', async () => {
  const { body, reservationId } = await bought(1)
  const other = await bought(1)
  const access = new URL(body.access_url)
  assert.equal((await fetch(`${url}${access.pathname}${access.search}`)).status, 200)
  const ticket = `/v1/tickets/${body.tickets[0].ticket_id}`
  assert.equal((await fetch(`${url}${ticket}${access.search}`)).status, 200)
  assert.equal((await fetch(`${url}${ticket}.svg${access.search}`)).status, 200)
  for (const path of [other.path, `/v1/tickets/${other.body.tickets[0].ticket_id}`, `${other.path}/tickets.pdf`])
    assert.equal((await fetch(`${url}${path}${access.search}`)).status, 404, path)
  assert.equal((await fetch(`${url}/v1/reservations/${reservationId}?access=AAAA`)).status, 404)
  assert.equal((await ask(url, { path: ticket })).status, 401)
  assert.equal((await ask(url, { path: ticket, token: other.guest.token })).status, 404)
})

test('the stream of a reservation tells when it is paid', async () => {
  const order = await held()
  const stream = await fetch(`${url}${order.path}/stream`, {
    headers: { authorization: `Bearer ${order.guest.token}` },
  })
  assert.match(stream.headers.get('content-type')!, /^text\/event-stream/)
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader()
  await pay(await checkOut(order))
  let told = ''
  while (!told.includes('"state":"confirmed"')) {
    const { value, done } = await reader.read()
    assert.ok(!done, 'the stream ended before it told')
    told += value
  }
  assert.match(told, /"state":"pending_payment"/)
  await reader.cancel()
  assert.equal((await ask(url, { path: `${order.path}/stream`, token: box.newGuest().token })).status, 404)
})

test('a buyer who gives up is free again, one who has paid is not', async () => {
  const order = await held()
  const payment = await checkOut(order)
  assert.equal((await ask(url, { method: 'DELETE', path: order.path, token: order.guest.token })).status, 204)
  assert.equal((await ask(url, { path: order.path, token: order.guest.token })).body.state, 'cancelled')
  assert.equal((await pay(payment)).status, 400, 'the intent is cancelled')
  const paid = await bought()
  const late = await ask(url, { method: 'DELETE', path: paid.path, token: paid.guest.token })
  assert.deepEqual([late.status, late.body.code], [409, 'already-confirmed'])
})

test('finance gives money back, once for a key; others may not', async () => {
  const order = await bought()
  const refund = { method: 'POST', path: `${order.path}/refund`, body: { reason: 'ill' } }
  assert.equal((await ask(url, { ...refund, token: order.guest.token })).status, 403)
  const first = await box.staff(url, { ...refund, key: 'refund-one' })
  const again = await box.staff(url, { ...refund, key: 'refund-one' })
  assert.deepEqual(again.body, first.body)
  assert.equal(again.headers['idempotent-replayed'], 'true')
  await until(order.look, it => it.payment.status === 'refunded')
  const ticket = await ask(url, { path: `/v1/tickets/${order.body.tickets[0].ticket_id}`, token: order.guest.token })
  assert.equal(ticket.body.status, 'void')
  const audit = (await box.staff(url, { path: `/v1/events/${eventId}/audit` })).body
  assert.deepEqual([audit.balanced, audit.oversold, audit.discrepancies], [true, 0, []])
})

test('a webhook without a good signature is 400 and stored nowhere, whatever it says', async () => {
  const before = await stored()
  const body = JSON.stringify({
    id: 'evt_forged',
    type: 'payment_intent.succeeded',
    data: { object: { object: 'payment_intent' } },
  })
  for (const headers of [{}, { 'stripe-signature': 't=1,v1=00' }, { 'stripe-signature': 'nothing' }] as Record<
    string,
    string
  >[]) {
    const answer = await fetch(`${url}/v1/webhooks/payments/stripe`, { method: 'POST', headers, body })
    assert.equal(answer.status, 400)
    assert.equal(((await answer.json()) as { code: string }).code, 'invalid-signature')
  }
  const huge = await fetch(`${url}/v1/webhooks/payments/stripe`, { method: 'POST', body: 'x'.repeat(300_000) })
  assert.equal(huge.status, 413)
  assert.equal((await fetch(`${url}/v1/webhooks/payments/paypal`, { method: 'POST', body })).status, 404)
  assert.equal(await stored(), before)
})

async function stored(): Promise<number> {
  const { rows } = await box.database.db.query<{ n: number }>(
    `select count(*)::int4 as n from holdfast.payment_events where provider_event_id like '%forged%'`,
  )
  return rows[0]!.n
}
