import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import Stripe from 'stripe'
import { ask } from './harness/ask.ts'
import { seatId } from './harness/hall.ts'
import { type Guest, hold } from './harness/installation.ts'
import { ownDatabase } from './harness/own-database.ts'

const orders = 60

test('killed in the middle of a wave of payments with webhooks lost and doubled: the provider’s books and ours agree', async () => {
  const installation = await ownDatabase()
  let server = await installation.start()
  const event = await installation.createEvent(server.url, {
    hall: { rows: 20, seatsPerRow: 20 },
    holdPolicy: { hold_seconds: 40, max_extensions: 0, extension_seconds: 10, single_seat_rule: 'allow' },
  })
  const { sandbox_url: sandbox } = (await ask(server.url, { path: '/v1/config' })).body.payments
  const steer = (body: object) => fetch(`${sandbox}/sandbox/steer`, { method: 'POST', body: JSON.stringify(body) })
  await steer({ webhooks: { drop_share: 0.3, copies: [1, 3], delay_ms: [0, 1500], reorder_ms: 500 } })

  const bought: { guest: Guest; reservationId: string }[] = []
  let killed: Promise<unknown> = Promise.resolve()
  await Promise.all(
    Array.from({ length: orders }, async (_, i) => {
      await wait(i * 40)
      if (i === orders / 2) killed = server.end('SIGKILL').then(async () => (server = await installation.start()))
      const guest = installation.newGuest()
      const row = 1 + (i >> 3)
      const first = 1 + 2 * (i & 7)
      const places = { event_id: event.eventId, seat_ids: [seatId(row, first), seatId(row, first + 1)] }
      const held = await insist(() => hold(server.url, guest, places, { key: `order-${i}` }))
      assert.equal(held.status, 201, JSON.stringify(held.body))
      const { reservation_id: reservationId } = held.body
      const body = { email: 'ada@example.org', name: 'Ada' }
      const path = `/v1/reservations/${reservationId}/checkout`
      const paying = await insist(() => ask(server.url, { method: 'POST', path, token: guest.token, body }), [200])
      const confirmed = await fetch(`${sandbox}/v1/payment_intents/${paying.body.provider_ref}/confirm`, {
        method: 'POST',
        headers: { authorization: `Bearer ${paying.body.publishable_key}` },
        body: new URLSearchParams({
          client_secret: paying.body.client_secret,
          payment_method: i % 10 === 9 ? 'pm_card_chargeDeclined' : 'pm_card_visa',
        }),
      })
      assert.equal(confirmed.status, i % 10 === 9 ? 402 : 200)
      bought.push({ guest, reservationId })
    }),
  )
  await killed

  // At rest: every hold has ended, and what webhooks did not bring, the look at the end of the hold did.
  const path = `/v1/events/${event.eventId}/audit`
  const until = Date.now() + 120_000
  let books = (await installation.staff(server.url, { path })).body
  while ((books.held > 0 || books.reserved > 0) && Date.now() < until) {
    await wait(500)
    books = (await installation.staff(server.url, { path })).body
  }
  assert.deepEqual([books.held, books.reserved, books.oversold, books.balanced], [0, 0, 0, true], JSON.stringify(books))
  const paid = orders - orders / 10
  assert.equal(books.sold, 2 * paid)
  assert.equal(books.live_tickets, 2 * paid)

  // The official SDK's view of the provider, intent by intent.
  const file = join(installation.env.HOLDFAST_DATA!, 'sandbox/credentials.json')
  const { secret_key } = JSON.parse(await readFile(file, 'utf8'))
  const { hostname: host, port } = new URL(sandbox)
  const stripe = new Stripe(secret_key, { host, port, protocol: 'http' })
  const { rows } = await installation.db.query<{ provider_ref: string; status: string; captured_amount: number }>(
    'select provider_ref, status::text as status, captured_amount from holdfast.payments',
  )
  const ours = new Map(rows.map(row => [row.provider_ref, row]))
  let intents = 0
  for await (const intent of stripe.paymentIntents.list({ limit: 100 })) {
    intents++
    const payment = ours.get(intent.id)
    assert.equal(intent.status === 'succeeded' ? intent.amount_received : 0, payment?.captured_amount, intent.id)
    assert.equal(payment?.status, intent.status === 'succeeded' ? 'captured' : 'cancelled')
  }
  assert.equal(intents, orders, 'one intent an order, however often it was asked for')

  for (const { guest, reservationId } of bought.slice(0, 5)) {
    const { body } = await ask(server.url, { path: `/v1/reservations/${reservationId}`, token: guest.token })
    assert.ok(body.state === 'confirmed' ? body.tickets.length === 2 : body.state === 'expired', JSON.stringify(body))
  }
})

/** As a client that was told to repeat: over broken connections, 503 and a payment that is queued. */
async function insist<A extends { status: number }>(
  question: () => Promise<A>,
  wanted: number[] = [200, 201],
): Promise<A> {
  const until = Date.now() + 35_000
  for (;;) {
    const answer = await question().catch(() => null)
    if (answer !== null && (wanted.includes(answer.status) || (answer.status !== 503 && answer.status !== 202)))
      return answer
    assert.ok(Date.now() < until, 'the server did not come back in time')
    await wait(200)
  }
}
