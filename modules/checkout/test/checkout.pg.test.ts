import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OutcomeUnknown, TerminalFault } from '#kernel/faults.ts'
import { newId } from '#kernel/ids.ts'
import { ProviderRefusal } from '#payments'
import { openTill, turn } from './till.ts'

const till = await openTill()
const { provider, deliver, toPay, hold, checkOut, cancel, state, advance, balances, jobs } = till
const sold = { reservation: 'confirmed', payment: 'captured', seats: ['sold', 'sold'], tickets: 2 }
const free = { reservation: 'cancelled', payment: 'cancelled', seats: ['available', 'available'], tickets: 0 }

test('a hold that has run out cannot be checked out, swept or not', async () => {
  const order = await hold()
  await advance(600_000)
  assert.deepEqual(await checkOut(order), { kind: 'refused', code: 'reservation-expired' })
  await till.store.expireDue(100)
  assert.deepEqual(await checkOut(order), { kind: 'refused', code: 'reservation-expired' })
  assert.equal((await state(order)).payment, null)
})

test('another’s reservation is not there, a paid one is paid, a cancelled one cancelled', async () => {
  const order = await hold()
  const stranger = { ...order, userId: newId('usr', till.deps) }
  assert.deepEqual(await checkOut(stranger), { kind: 'refused', code: 'not-found' })
  assert.equal((await till.store.cancel(order)).ok, true)
  assert.deepEqual(await checkOut(order), { kind: 'refused', code: 'already-cancelled' })
  const paid = await toPay()
  await deliver(provider.confirm(paid.ref, 'authorize'))
  assert.deepEqual(await checkOut(paid), { kind: 'refused', code: 'already-confirmed' })
})

test('what costs nothing is sold without the provider', async () => {
  const calls = provider.calls.length
  const order = await hold({ free: true })
  assert.deepEqual(await checkOut(order), { kind: 'not-required' })
  assert.deepEqual(await state(order), { ...sold, payment: 'captured' })
  assert.deepEqual(await checkOut(order), { kind: 'not-required' }, 'asked again it is the same')
  assert.equal(provider.calls.length, calls)
  await balances()
})

test('an amount that the provider does not take is refused before anything moves', async () => {
  const cheap = await openTillWithMinimum(10_000)
  const order = await cheap.hold()
  assert.deepEqual(await cheap.checkOut(order), { kind: 'refused', code: 'amount-not-chargeable' })
  assert.deepEqual((await cheap.state(order)).seats, ['held', 'held'])
})

test('checkout does not lengthen the hold, and while it is open nothing else may change it', async () => {
  const order = await hold()
  const before = await till.store.find(order.eventNo, order.reservationId)
  await checkOut(order)
  const after = await till.store.find(order.eventNo, order.reservationId)
  assert.equal(after!.reservation.expiresAt, before!.reservation.expiresAt)
  for (const outcome of [await till.store.extend({ ...order, extensionSeconds: 300 }), await till.store.cancel(order)])
    assert.deepEqual(!outcome.ok && outcome.code, 'payment-in-progress')
})

test('when too many wait for the provider the buyer is told at once, and keeps the hold', async () => {
  const order = await hold()
  provider.queueMs = 20_000
  const answer = await checkOut(order)
  const again = await checkOut(order)
  provider.queueMs = 0
  const told = { kind: 'refused', code: 'payments-unavailable', retryAfterSeconds: 21, inTime: true }
  assert.deepEqual(answer, told)
  assert.deepEqual(again, told, 'asking again does not change the turn')
  assert.deepEqual((await state(order)).seats, ['held', 'held'])
  assert.equal((await checkOut(order)).kind, 'ready')
})

test('while the provider is away checkout is queued, with more time, and a job makes the payment', async () => {
  const order = await hold()
  const before = await till.store.find(order.eventNo, order.reservationId)
  provider.breakerState = 'open'
  assert.equal((await checkOut(order)).kind, 'queued')
  assert.equal((await checkOut(order)).kind, 'queued', 'asked again it is the same')
  const after = await till.store.find(order.eventNo, order.reservationId)
  assert.equal(after!.reservation.expiresAt - before!.reservation.expiresAt, 300_000, 'once')
  await advance(3000)
  await turn(jobs.looks)
  assert.equal((await state(order)).payment, 'open')
  provider.breakerState = 'closed'
  await advance(10_000)
  await turn(jobs.looks)
  const answer = await checkOut(order)
  assert.equal(answer.kind, 'ready')
  assert.deepEqual(await toldOf(order.reservationId, ['CheckoutQueued', 'CheckoutReady']), [
    'CheckoutQueued',
    'CheckoutReady',
  ])
  await deliver(provider.confirm(answer.kind === 'ready' ? answer.intent.ref : '', 'authorize'))
  assert.deepEqual(await state(order), sold)
})

test('queued to the end and never sent: nothing can exist at the provider, the seats are free, and the buyer is told', async () => {
  const order = await hold()
  provider.breakerState = 'open'
  await checkOut(order)
  await advance(901_000)
  await turn(jobs.looks)
  provider.breakerState = 'closed'
  assert.deepEqual(await state(order), { ...free, reservation: 'expired' })
  await balances()
  const { rows } = await till.db.query<{ reason: string }>(
    `select data ->> 'reason' as reason from holdfast.outbox where type = 'PaymentFailed' and data ->> 'reservation_id' = $1`,
    [order.reservationId],
  )
  assert.deepEqual(rows, [{ reason: 'queue-ended' }])
})

test('a checkout that stood still until long after the end of the hold is not queued, nor told of time that is over', async () => {
  const order = await hold()
  provider.trouble('create', 'lost')
  provider.before = async () => {
    provider.before = async () => {}
    await advance(1_200_000)
  }
  const answer = await checkOut(order)
  assert.deepEqual([answer.kind, answer.kind === 'refused' && answer.code], ['refused', 'reservation-expired'])
})

for (const trouble of ['lost', 'lost-before'] as const)
  test(`the answer to creating the intent does not come (${trouble}): queued, made once, paid`, async () => {
    const order = await hold()
    const before = provider.intents.size
    provider.trouble('create', trouble)
    assert.equal((await checkOut(order)).kind, 'queued')
    await advance(3000)
    await turn(jobs.looks)
    assert.equal(provider.intents.size, before + 1)
    const answer = await checkOut(order)
    assert.equal(answer.kind, 'ready')
    await deliver(provider.confirm(answer.kind === 'ready' ? answer.intent.ref : '', 'authorize'))
    assert.deepEqual(await state(order), sold)
  })

test('the process dies between its commit and the provider: the look makes the intent', async () => {
  const order = await hold()
  const answering = new Promise<void>(() => {}) // never: the process is gone
  provider.before = async endpoint => {
    if (endpoint === 'create') return answering
  }
  void checkOut(order)
  while ((await state(order)).payment === null);
  provider.before = async () => {}
  await advance(16_000)
  await turn(jobs.looks)
  const made = [...provider.intents.values()].at(-1)!
  await deliver(provider.confirm(made.ref, 'authorize'))
  assert.deepEqual(await state(order), sold)
})

test('the hold ends while the payment is open: nobody begins to pay any more', async () => {
  const order = await toPay()
  await advance(600_000)
  assert.deepEqual(await checkOut(order), { kind: 'refused', code: 'reservation-expired' })
})

test('the event was cancelled: checkout says so, and nothing moves', async () => {
  const event = await till.anEvent()
  const order = await hold({ event, seatNos: [1, 2] })
  await till.db.query(`update holdfast.events set status = 'cancelled' where event_no = $1`, [event])
  assert.deepEqual(await checkOut(order), { kind: 'refused', code: 'not-on-sale' })
  assert.deepEqual((await state(order)).seats, ['held', 'held'])
})

for (const [refusal, what] of [
  [new ProviderRefusal('parameter_invalid', 'no'), 'refuses the payment'],
  [new TerminalFault('the key is revoked'), 'refuses our key'],
] as const)
  test(`the provider ${what}: the buyer is told, may give up, and the seats are free after the end at the latest`, async () => {
    const order = await hold()
    const left = await hold()
    provider.refusesCreate = refusal
    for (const one of [order, left]) {
      const answer = await checkOut(one)
      assert.deepEqual(answer, { kind: 'refused', code: 'payments-unavailable', retryAfterSeconds: 30 })
    }
    assert.equal(await cancel(order), 'cancelling')
    await advance(61_000)
    await turn(jobs.looks)
    assert.deepEqual(await state(order), free)
    await advance(600_000)
    await turn(jobs.looks)
    provider.refusesCreate = null
    assert.deepEqual(await state(left), { ...free, reservation: 'expired' })
    assert.equal([...provider.intents.values()].filter(made => made.paymentId === null).length, 0)
    await balances()
  })

test('the answer to making the intent was lost, and the list says whether there is one', async () => {
  const made = await hold()
  const none = await hold()
  provider.trouble('create', 'lost')
  await checkOut(made)
  provider.trouble('create', 'lost-before', 20)
  await checkOut(none)
  provider.trouble('create', 'lost-before', 20)
  await advance(902_000)
  await turn(jobs.looks)
  provider.clearTroubles()
  for (const order of [made, none]) assert.deepEqual(await state(order), { ...free, reservation: 'expired' })
  const intents = [...provider.intents.values()].slice(-1)
  assert.deepEqual(
    intents.map(intent => intent.status),
    ['cancelled'],
  )
  await balances()
})

test('a provider that keeps its own failure to make an intent is asked under another key once its list shows none', async () => {
  const order = await hold()
  const { create } = provider
  provider.create = async command => {
    if (command.round === 0) throw new OutcomeUnknown('the failure that it keeps')
    return create.call(provider, command)
  }
  assert.equal((await checkOut(order)).kind, 'queued')
  for (let i = 0; i < 20; i++) {
    await advance(10_000)
    await turn(jobs.looks)
  }
  Object.assign(provider, { create })
  const answer = await checkOut(order)
  assert.equal(answer.kind, 'ready')
  assert.equal(
    [...provider.intents.values()].filter(
      made => made.paymentId === (answer as { payment: { paymentId: string } }).payment.paymentId,
    ).length,
    1,
  )
})

test('the payment ends while its checkout waits for the provider: what became of it is said', async () => {
  const order = await hold()
  provider.trouble('create', 'lost')
  provider.before = async endpoint => {
    if (endpoint !== 'create') return
    provider.before = async () => {}
    await advance(670_000)
    provider.trouble('retrieve', 'away', 9)
    provider.trouble('list', 'away', 9)
    provider.trouble('create', 'away', 9)
    await turn(jobs.looks)
    provider.clearTroubles()
    provider.trouble('create', 'lost')
  }
  const answer = await checkOut(order)
  provider.clearTroubles()
  assert.deepEqual(answer, { kind: 'refused', code: 'reservation-expired' })
})

test('a payment that is there and whose secret cannot be had just now is not called queued', async () => {
  const order = await toPay()
  provider.trouble('retrieve', 'away')
  const answer = await checkOut(order)
  assert.deepEqual(answer, { kind: 'refused', code: 'payments-unavailable', retryAfterSeconds: 2 })
})

test('payments of a provider that was set up before are left alone', async () => {
  const order = await toPay()
  await till.db.query(`update holdfast.payments set provider = 'sandbox' where provider_ref = $1`, [order.ref])
  await advance(700_000)
  await turn(jobs.looks)
  assert.equal((await state(order)).payment, 'open')
  await till.db.query(`update holdfast.payments set provider = 'stripe' where provider_ref = $1`, [order.ref])
  await advance(700_000)
  await turn(jobs.looks)
})

test('a buyer gives up: learned, then cancelled, and the seats are free', async () => {
  const order = await toPay()
  assert.equal(await cancel(order), 'cancelled')
  assert.deepEqual(await state(order), free)
  assert.equal(provider.intents.get(order.ref)!.status, 'cancelled')
  await balances()
})

test('a buyer gives up what their bank has just said yes to: the sale goes on', async () => {
  const order = await toPay()
  provider.confirm(order.ref, 'authorize')
  assert.equal(await cancel(order), 'payment-in-progress')
  assert.deepEqual(await state(order), sold)
})

test('cancel against pay: whoever comes first, there is money and a ticket or neither', async () => {
  for (let i = 0; i < 12; i++) {
    const order = await toPay()
    const before = provider.charged
    provider.before = async endpoint => {
      if (endpoint === 'retrieve' && i % 3 === 0) await new Promise(setImmediate)
    }
    const pay = async () => {
      if (provider.intents.get(order.ref)!.status === 'open') await deliver(provider.confirm(order.ref, 'authorize'))
    }
    await Promise.all(i % 2 === 0 ? [cancel(order), pay()] : [pay(), cancel(order)])
    provider.before = async () => {}
    await advance(1000)
    await turn(jobs.looks)
    const { payment, tickets } = await state(order)
    const charged = provider.charged - before
    assert.ok(
      (payment === 'captured' && tickets === 2 && charged === 5000) ||
        (payment === 'cancelled' && tickets === 0 && charged === 0),
      `${payment}, ${tickets} tickets, ${charged} charged`,
    )
  }
  await balances()
})

test('the provider does not answer the cancellation: it goes on by itself', async () => {
  const order = await toPay()
  provider.trouble('cancel', 'lost-before')
  assert.equal(await cancel(order), 'cancelling')
  await advance(1000)
  await turn(jobs.looks)
  assert.deepEqual(await state(order), free)
})

test('a wave: two hundred check out at once, the provider fails every third call, and nobody is lost', async () => {
  const wave = await openTill({ seats: 400 })
  const orders = await Promise.all(Array.from({ length: 200 }, () => wave.hold()))
  for (let i = 0; i < 60; i++) {
    wave.provider.trouble('create', i % 2 === 0 ? 'lost' : 'away')
    wave.provider.trouble('capture', i % 2 === 0 ? 'lost-before' : 'away')
  }
  await Promise.all(orders.map(order => wave.checkOut(order)))
  await wave.advance(20_000)
  await turn(wave.jobs.looks)
  for (const intent of wave.provider.intents.values())
    if (intent.status === 'open') wave.provider.confirm(intent.ref, 'authorize')
  await wave.deliver(...wave.provider.told)
  for (let i = 0; i < 6; i++) {
    await wave.advance(70_000)
    await turn(wave.jobs.looks)
  }
  await wave.advance(600_000)
  await turn(wave.jobs.looks)
  await turn(wave.jobs.reconcile)
  await turn(wave.jobs.events)
  const ends = await Promise.all(orders.map(order => wave.state(order)))
  const withTickets = ends.filter(end => end.tickets === 2 && end.payment === 'captured').length
  const without = ends.filter(end => end.tickets === 0 && end.payment === 'cancelled').length
  assert.equal(withTickets + without, 200, JSON.stringify(ends.find(end => end.payment !== 'captured')))
  assert.equal(wave.provider.charged, withTickets * 5000)
  assert.equal((await wave.balances()).captured_amount, wave.provider.charged)
})

async function openTillWithMinimum(minimum: number) {
  const other = await openTill()
  other.deps.isChargeable = amount => amount >= minimum
  return other
}

async function toldOf(reservationId: string, types: string[]): Promise<string[]> {
  const { rows } = await till.db.query<{ type: string }>(
    `select type from holdfast.outbox where data ->> 'reservation_id' = $1 and type = any ($2) order by position`,
    [reservationId, types],
  )
  return rows.map(row => row.type)
}
