import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTill, turn } from './till.ts'

const till = await openTill()
const { provider, deliver, toPay, refund, state, advance, balances, jobs } = till

async function paid(wish: Parameters<typeof toPay>[0] = {}) {
  const order = await toPay(wish)
  await deliver(provider.confirm(order.ref, 'authorize'))
  return order
}

async function ticketsOf(order: Awaited<ReturnType<typeof till.hold>>): Promise<string[]> {
  const live = await till.db.transaction(tx => till.deps.tickets.live(tx, order.eventNo, order.reservationId))
  return live.map(ticket => ticket.ticketId)
}

test('a refund voids the tickets and returns the seats at once, and the money follows', async () => {
  const order = await paid()
  const answer = await refund(order)
  assert.equal(answer.ok && answer.refund?.amount, 5000)
  assert.deepEqual(await state(order), {
    reservation: 'confirmed',
    payment: 'refund_pending',
    seats: ['blocked', 'blocked'],
    tickets: 0,
  })
  await balances()
  await turn(jobs.refunds)
  assert.equal((await state(order)).payment, 'refunded')
  await balances()
})

test('the policy may put returned seats back on sale', async () => {
  const event = await till.anEvent()
  await till.db.query(`update holdfast.events set returns = 'available' where event_no = $1`, [event])
  const order = await paid({ event, seatNos: [3, 4] })
  await refund(order)
  assert.deepEqual((await state(order)).seats, ['available', 'available'])
  await till.hold({ event, seatNos: [3, 4] })
  await balances(event)
})

test('one ticket of three comes back, then the others', async () => {
  const order = await paid({ seats: 3 })
  const [first] = await ticketsOf(order)
  const part = await refund(order, [first!])
  assert.equal(part.ok && part.refund?.amount, 2500)
  await turn(jobs.refunds)
  assert.deepEqual(await state(order), {
    reservation: 'confirmed',
    payment: 'partly_refunded',
    seats: ['blocked', 'sold', 'sold'],
    tickets: 2,
  })
  await balances()
  assert.equal((await refund(order)).ok, true)
  await turn(jobs.refunds)
  assert.equal((await state(order)).payment, 'refunded')
  await balances()
})

test('places of an area come back to its counter, or are set aside', async () => {
  const order = await paid({ seats: 1, places: 3 })
  const before = await areaOf(order.eventNo)
  const standing = (await ticketsOf(order)).slice(1, 3)
  assert.equal((await refund(order, standing)).ok, true)
  assert.deepEqual(await areaOf(order.eventNo), { available: before.available, set_aside: before.set_aside + 2 })
  await balances()
  await refund(order)
  await turn(jobs.refunds)
  await balances()
})

test('what is refunded cannot be refunded again, and tickets of others are named', async () => {
  const order = await paid()
  const other = await paid()
  const [foreign] = await ticketsOf(other)
  assert.deepEqual(await refund(order, [foreign!]), { ok: false, code: 'already-refunded' })
  const mixed = await refund(order, [(await ticketsOf(order))[0]!, foreign!])
  assert.deepEqual(mixed, { ok: false, code: 'unknown-tickets', ticketIds: [foreign] })
  await refund(order)
  assert.deepEqual(await refund(order), { ok: false, code: 'already-refunded' })
})

test('before the capture there is nothing to refund', async () => {
  const order = await toPay()
  assert.deepEqual(await refund(order), { ok: false, code: 'capture-pending' })
  provider.trouble('capture', 'lost')
  await deliver(provider.confirm(order.ref, 'authorize'))
  assert.deepEqual(await refund(order), { ok: false, code: 'capture-pending' })
  await advance(3000)
  await turn(jobs.looks)
  assert.equal((await refund(order)).ok, true)
})

test('ten refunds at once give the money back once', async () => {
  const order = await paid()
  const answers = await Promise.all(Array.from({ length: 10 }, () => refund(order)))
  assert.equal(answers.filter(answer => answer.ok).length, 1)
  await Promise.all([turn(jobs.refunds), turn(jobs.refunds), turn(jobs.refunds)])
  assert.deepEqual(
    provider.intents.get(order.ref)!.refunds.map(refund => refund.amount),
    [5000],
  )
  await balances()
})

for (const trouble of ['lost', 'lost-before', 'away'] as const)
  test(`the answer to the refund does not come (${trouble}): found out later, given back once`, async () => {
    const order = await paid()
    await turn(jobs.refunds)
    const before = provider.refunded
    await refund(order)
    provider.trouble('refund', trouble)
    await turn(jobs.refunds)
    assert.equal((await state(order)).payment, 'refund_pending')
    await advance(70_000)
    await turn(jobs.refunds)
    assert.equal((await state(order)).payment, 'refunded')
    assert.equal(provider.refunded - before, 5000)
  })

test('the provider tells of the refund before we asked again', async () => {
  const order = await paid()
  await refund(order)
  provider.trouble('refund', 'lost')
  await turn(jobs.refunds)
  const kept = provider.intents.get(order.ref)!
  const [made] = kept.refunds
  const event = provider.tell('refund.updated', order.ref)
  await deliver({ ...event, intent: null, refund: { ...made!, intentRef: order.ref } }, event)
  assert.equal((await state(order)).payment, 'refunded')
  await balances()
})

test('a refund that the provider made without us is told as a discrepancy and changes nothing', async () => {
  const order = await paid()
  const event = provider.tell('refund.created', order.ref)
  const refundOfSomebody = {
    ref: 're_x',
    refundId: null,
    status: 'succeeded' as const,
    amount: 100,
    intentRef: order.ref,
  }
  await deliver({ ...event, intent: null, refund: refundOfSomebody })
  assert.equal((await state(order)).payment, 'captured')
  assert.equal(till.outcomes['discrepancy unknown-refund'], 1)
})

test('a refund that the bank gives back days later is owed again, and finance can repeat it', async () => {
  const order = await paid()
  const other = await paid()
  await refund(order, [(await ticketsOf(order))[0]!])
  await refund(other)
  await turn(jobs.refunds)
  assert.equal((await state(order)).payment, 'partly_refunded')
  await deliver(provider.failRefund(order.ref), provider.failRefund(other.ref))
  for (const one of [order, other]) assert.equal((await state(one)).payment, 'refund_pending')
  assert.equal(till.outcomes['refund-failed'], 2)
  assert.deepEqual(await refund(other, [(await ticketsOf(order))[0]!]), { ok: false, code: 'already-refunded' })
  const again = await refund(other)
  assert.equal(again.ok && again.refund?.amount, 5000)
  const rest = await refund(order)
  assert.equal(rest.ok && rest.refund?.amount, 5000, 'the ticket that is left, and what is owed for the other')
  await turn(jobs.refunds)
  for (const one of [order, other]) assert.equal((await state(one)).payment, 'refunded')
  assert.deepEqual(await refund(other), { ok: false, code: 'already-refunded' })
  await balances()
})

test('a late payment whose refund fails stays owed', async () => {
  const event = await till.anEvent('refund')
  const order = await toPay({ event, seatNos: [1] })
  await till.cancel(order)
  provider.intents.get(order.ref)!.status = 'open'
  await deliver(provider.confirm(order.ref, 'charge'))
  await turn(jobs.refunds)
  assert.equal((await state(order)).payment, 'refunded')
  await deliver(provider.failRefund(order.ref))
  assert.equal((await state(order)).payment, 'refund_pending')
  assert.equal((await refund(order)).ok, true)
  await turn(jobs.refunds)
  assert.equal((await state(order)).payment, 'refunded')
  await balances(event)
})

test('finance gives back what is in quarantine, once', async () => {
  const event = await till.anEvent()
  const order = await toPay({ event, seatNos: [7] })
  Object.assign(provider.intents.get(order.ref)!, { status: 'captured', amount: 30, amountCaptured: 30 })
  await till.settle(order.payment, { intent: await provider.retrieve(order.ref), isTruth: true })
  const answer = await refund(order)
  assert.deepEqual(answer.ok && [answer.refund?.amount, answer.refund?.reason], [30, 'mismatch'])
  await turn(jobs.refunds)
  assert.equal((await state(order)).payment, 'quarantined')
  assert.equal((await balances(event)).quarantined_amount, 0)
  assert.deepEqual(await refund(order), { ok: false, code: 'already-refunded' })
})

test('what cost nothing is void and returned, without a refund', async () => {
  const order = await till.hold({ free: true, seats: 2 })
  await till.checkOut(order)
  assert.deepEqual(await refund(order, [(await ticketsOf(order))[0]!]), { ok: true, refund: null })
  assert.deepEqual(await refund(order), { ok: true, refund: null })
  assert.deepEqual(await state(order), {
    reservation: 'confirmed',
    payment: 'captured',
    seats: ['blocked', 'blocked'],
    tickets: 0,
  })
  assert.deepEqual(await refund(order), { ok: false, code: 'already-refunded' })
  await balances()
})

test('a refund that the bank takes its time with is asked about less and less', async () => {
  const order = await paid()
  provider.refundsEnd = 'pending'
  await refund(order)
  const before = provider.calls.length
  for (let i = 0; i < 60; i++) {
    await turn(jobs.refunds)
    await advance(10_000)
  }
  provider.refundsEnd = 'succeeded'
  assert.ok(provider.calls.length - before < 12, `${provider.calls.length - before} calls in ten minutes`)
  provider.intents.get(order.ref)!.refunds[0]!.status = 'succeeded'
  await advance(900_000)
  await turn(jobs.refunds)
  assert.equal((await state(order)).payment, 'refunded')
})

test('a provider that keeps its own failure under a key is asked under another, after it says that it has no refund', async () => {
  const order = await paid()
  await refund(order)
  const before = provider.keys.length
  provider.trouble('refund', 'lost-before', 9)
  for (let i = 0; i < 10; i++) {
    await turn(jobs.refunds)
    await advance(61_000)
  }
  assert.equal((await state(order)).payment, 'refunded')
  const rounds = provider.keys.slice(before).map(key => key.split(':')[1])
  assert.deepEqual([...new Set(rounds)], ['0', '1'])
  assert.equal(provider.intents.get(order.ref)!.refunds.length, 1)
})

async function areaOf(eventNo: number) {
  const { rows } = await till.db.query<{ available: number; set_aside: number }>(
    'select available, set_aside from holdfast.areas where event_no = $1',
    [eventNo],
  )
  return rows[0]!
}
