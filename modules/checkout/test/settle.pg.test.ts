import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '#kernel/ids.ts'
import { permutations } from '#kernel/test/permutations.ts'
import { storeEvents } from '#payments'
import { openTill, turn } from './till.ts'

const till = await openTill()
const { provider, deliver, toPay, hold, checkOut, state, advance, balances, jobs } = till

const sold = { reservation: 'confirmed', payment: 'captured', seats: ['sold', 'sold'], tickets: 2 }

test('hold, check out, authorise, capture, sell: tickets come with the money', async () => {
  const order = await toPay()
  assert.deepEqual(await state(order), {
    reservation: 'pending_payment',
    payment: 'open',
    seats: ['reserved', 'reserved'],
    tickets: 0,
  })
  await deliver(provider.confirm(order.ref, 'authorize'))
  assert.deepEqual(await state(order), sold)
  await balances()
})

test('checking out again gives the same intent, also twice at once', async () => {
  const order = await hold()
  const answers = await Promise.all([checkOut(order), checkOut(order), checkOut(order)])
  const again = await checkOut(order)
  const refs = [...answers, again].map(answer => (answer.kind === 'ready' ? answer.intent.ref : answer.kind))
  assert.equal(new Set(refs).size, 1)
  assert.equal((await state(order)).payment, 'open')
})

test('a webhook twenty times, one after the other and at once, has one effect', async () => {
  const order = await toPay()
  const before = provider.charged
  const event = provider.confirm(order.ref, 'authorize')
  await Promise.all(Array.from({ length: 10 }, () => deliver(event)))
  for (let i = 0; i < 10; i++) await deliver(event)
  assert.deepEqual(await state(order), sold)
  assert.equal(provider.charged - before, 5000)
})

test('different news of one payment settled at once has one effect', async () => {
  const order = await toPay()
  const before = provider.charged
  const authorized = provider.confirm(order.ref, 'authorize')
  const news = [authorized, provider.tell('a', order.ref), provider.tell('b', order.ref), provider.tell('c', order.ref)]
  await Promise.all(news.map(({ intent }) => till.settle(order.payment, { intent: intent!, isTruth: false })))
  assert.deepEqual(await state(order), sold)
  assert.equal(provider.charged - before, 5000)
  await balances()
})

test('whatever the order of created, failed, authorised and succeeded, the buyer has the tickets', async () => {
  const orders = permutations([0, 1, 2, 3])
  for (const permutation of orders) {
    const order = await toPay({ seats: 1 })
    const created = provider.tell('created', order.ref)
    const failed = provider.confirm(order.ref, 'decline')
    const authorized = provider.confirm(order.ref, 'authorize')
    const succeeded = provider.tell('succeeded', order.ref, { status: 'captured', amountCaptured: 2500 })
    // What came last is true at the provider as well.
    const news = [created, failed, authorized, succeeded]
    if (permutation.indexOf(3) < permutation.indexOf(2)) provider.confirm(order.ref, 'charge')
    for (const i of permutation) await deliver(news[i]!)
    const { payment, tickets } = await state(order)
    assert.deepEqual({ payment, tickets }, { payment: 'captured', tickets: 1 }, `in the order ${permutation}`)
  }
  await balances()
})

test('a declined card leaves everything as it was, and the second card works', async () => {
  const order = await toPay()
  const declined = provider.confirm(order.ref, 'decline')
  await deliver(declined, declined)
  assert.equal((await state(order)).payment, 'open')
  const { rows } = await till.db.query('select from holdfast.payment_attempts where code = $1', ['card_declined'])
  assert.ok(rows.length > 0)
  await deliver(provider.confirm(order.ref, 'authorize'))
  assert.deepEqual(await state(order), sold)
})

test('authorised at 9:58, told at 10:30: the seats have waited', async () => {
  const order = await toPay()
  await advance(598_000)
  const event = provider.confirm(order.ref, 'authorize')
  await advance(32_000)
  await deliver(event)
  assert.deepEqual(await state(order), sold)
})

test('authorised in time and never told: the look at the end of the hold sells', async () => {
  const order = await toPay()
  provider.confirm(order.ref, 'authorize')
  await advance(600_000)
  await turn(jobs.looks)
  assert.deepEqual(await state(order), sold)
})

test('not paid by the end: learned, then cancelled, and the seats are free', async () => {
  const order = await toPay()
  await advance(600_000)
  await till.store.expireDue(100)
  assert.deepEqual((await state(order)).seats, ['reserved', 'reserved'], 'the sweeper leaves it alone')
  await turn(jobs.looks)
  assert.deepEqual(await state(order), {
    reservation: 'expired',
    payment: 'cancelled',
    seats: ['available', 'available'],
    tickets: 0,
  })
  assert.equal(provider.intents.get(order.ref)!.status, 'cancelled')
  await balances()
})

test('paid while it is being cancelled: the cancellation learns of it and sells', async () => {
  const order = await toPay()
  await advance(600_000)
  provider.before = async endpoint => {
    if (endpoint !== 'cancel') return
    provider.before = async () => {}
    provider.confirm(order.ref, 'charge')
  }
  await turn(jobs.looks)
  assert.deepEqual(await state(order), sold)
})

test('the event is cancelled while the buyer authorises: nothing is charged, and they are told', async () => {
  const event = await till.anEvent()
  const order = await toPay({ event, seatNos: [1, 2] })
  await till.db.query(`update holdfast.events set status = 'cancelled' where event_no = $1`, [event])
  const before = provider.charged
  await deliver(provider.confirm(order.ref, 'authorize'))
  assert.equal((await state(order)).payment, 'cancelled')
  assert.equal(provider.charged, before)
  assert.deepEqual(await lastEnd(), { final: true, reason: 'event-cancelled' })
  await balances(event)
})

test('the bank takes its yes back while we capture: the buyer, who had authorised, is told', async () => {
  const order = await toPay()
  provider.trouble('capture', 'lost-before')
  await deliver(provider.confirm(order.ref, 'authorize'))
  provider.intents.get(order.ref)!.status = 'cancelled'
  await advance(700_000)
  await turn(jobs.looks)
  assert.deepEqual((await state(order)).seats, ['available', 'available'])
  assert.deepEqual(await lastEnd(), { final: true, reason: 'capture-refused' })
})

test('each try to capture has a key of its own, so that a failure that the provider keeps is not the last word', async () => {
  const order = await toPay()
  const before = provider.charged
  provider.trouble('capture', 'lost-before', 2)
  await deliver(provider.confirm(order.ref, 'authorize'))
  for (let i = 0; i < 2; i++) {
    await advance(20_000)
    await turn(jobs.looks)
  }
  assert.deepEqual(await state(order), sold)
  const keys = provider.keys.filter(key => key.startsWith(order.ref))
  assert.equal(new Set(keys).size, 3)
  assert.equal(provider.charged - before, 5000)
})

test('a capture that does not get through is tried less and less often', async () => {
  const order = await toPay()
  provider.trouble('capture', 'lost-before', 500)
  await deliver(provider.confirm(order.ref, 'authorize'))
  const before = provider.keys.length
  for (let i = 0; i < 150; i++) {
    await advance(2000)
    await turn(jobs.looks)
  }
  provider.clearTroubles()
  assert.ok(provider.keys.length - before < 15, `${provider.keys.length - before} tries in five minutes`)
  await advance(70_000)
  await turn(jobs.looks)
  assert.deepEqual(await state(order), sold)
})

test('one that waits for the provider does not keep the others waiting', async () => {
  const own = await openTill({ areas: [200] })
  const { provider, toPay, deliver, state } = own
  const slow = await toPay()
  const orders = await Promise.all(Array.from({ length: 100 }, () => toPay({ places: 1, seats: 0 })))
  let answer = () => {}
  const answered = new Promise<void>(resolve => {
    answer = resolve
  })
  provider.before = async (endpoint, ref) => {
    if (endpoint === 'capture' && ref === slow.ref) await answered
  }
  const events = [slow, ...orders].map(({ ref }) => provider.confirm(ref, 'authorize'))
  const settling = deliver(...events)
  const done = async () => (await Promise.all(orders.map(state))).every(order => order.payment === 'captured')
  const until = Date.now() + 20_000
  while (!(await done())) assert.ok(Date.now() < until, 'the others wait')
  assert.equal((await state(slow)).payment, 'capturing')
  answer()
  await settling
  provider.before = async () => {}
  assert.deepEqual(await state(slow), sold)
})

test('what nothing follows from is stored as done', async () => {
  const event = { ...provider.tell('payment_intent.created', (await toPay()).ref), intent: null }
  await deliver(event)
  const { rows } = await till.db.query(
    'select state, attempts from holdfast.payment_events where provider_event_id = $1',
    [event.id],
  )
  assert.deepEqual(rows, [{ state: 'ignored', attempts: 0 }])
})

test('an intent that cannot be settled does not keep the reconciler from the others', async () => {
  const poisoned = await toPay()
  const order = await toPay()
  provider.confirm(poisoned.ref, 'authorize')
  provider.confirm(order.ref, 'authorize')
  provider.told.length = 0
  const { retrieve, capture } = provider
  provider.capture = async (ref, command) => {
    if (ref === poisoned.ref) throw new Error('what nobody expected')
    return capture.call(provider, ref, command)
  }
  await advance(61_000)
  await turn(jobs.reconcile)
  Object.assign(provider, { retrieve, capture })
  assert.deepEqual(await state(order), sold)
  await advance(61_000)
  await turn(jobs.looks)
  assert.deepEqual(await state(poisoned), sold)
})

test('reconciling what agrees writes nothing', async () => {
  const order = await toPay()
  await deliver(provider.confirm(order.ref, 'authorize'))
  await advance(61_000)
  await turn(jobs.reconcile)
  const before = await till.db.query('select xmin::text from holdfast.reservations order by reservation_id')
  await advance(61_000)
  await turn(jobs.reconcile)
  const after = await till.db.query('select xmin::text from holdfast.reservations order by reservation_id')
  assert.deepEqual(after.rows, before.rows)
})

test('the capture is refused: nothing is charged, the seats are free, the buyer is told', async () => {
  const order = await toPay()
  provider.refusesCapture = true
  await deliver(provider.confirm(order.ref, 'authorize'))
  provider.refusesCapture = false
  assert.deepEqual(await state(order), {
    reservation: 'cancelled',
    payment: 'cancelled',
    seats: ['available', 'available'],
    tickets: 0,
  })
  const { rows } = await till.db.query<{ data: { final: boolean; reason: string } }>(
    `select data from holdfast.outbox where type = 'PaymentFailed' order by position desc limit 1`,
  )
  assert.deepEqual([rows[0]!.data.final, rows[0]!.data.reason], [true, 'capture-refused'])
})

for (const trouble of ['lost', 'lost-before', 'away'] as const)
  test(`the answer to the capture does not come (${trouble}): found out later, charged once`, async () => {
    const order = await toPay()
    const before = provider.charged
    provider.trouble('capture', trouble)
    await deliver(provider.confirm(order.ref, 'authorize'))
    assert.equal((await state(order)).payment, 'capturing')
    await advance(3000)
    await turn(jobs.looks)
    assert.deepEqual(await state(order), sold)
    assert.equal(provider.charged - before, 5000)
  })

test('a payment that is being captured keeps its seats, however long the provider is away', async () => {
  const order = await toPay()
  provider.trouble('capture', 'lost')
  await deliver(provider.confirm(order.ref, 'authorize'))
  provider.trouble('retrieve', 'away', 50)
  provider.trouble('list', 'away', 50)
  for (let i = 0; i < 5; i++) {
    await advance(400_000)
    await till.store.expireDue(100)
    await turn(jobs.looks)
  }
  assert.deepEqual((await state(order)).seats, ['reserved', 'reserved'])
  provider.clearTroubles()
  await advance(100_000)
  await turn(jobs.looks)
  assert.deepEqual(await state(order), sold)
})

test('an event that does not fit changes nothing, and the provider is asked', async () => {
  const order = await toPay()
  await deliver(provider.tell('odd', order.ref, { status: 'captured', amount: 1, amountCaptured: 1 }))
  assert.equal((await state(order)).payment, 'open')
  const { rows } = await till.db.query<{ reason: string }>(
    `select reason from holdfast.payment_events where state = 'quarantined'`,
  )
  assert.deepEqual(
    rows.map(row => row.reason),
    ['amount-differs'],
  )
  await turn(jobs.looks)
  assert.equal((await state(order)).payment, 'open')
  await deliver(provider.confirm(order.ref, 'authorize'))
  assert.deepEqual(await state(order), sold)
})

test('if the provider itself says another amount, the payment is quarantined and its money is in the books', async () => {
  const order = await toPay()
  const kept = provider.intents.get(order.ref)!
  Object.assign(kept, { status: 'captured', amount: 1, amountCaptured: 1 })
  await till.settle(order.payment, { intent: await provider.retrieve(order.ref), isTruth: true })
  assert.deepEqual(await state(order), {
    reservation: 'cancelled',
    payment: 'quarantined',
    seats: ['available', 'available'],
    tickets: 0,
  })
  assert.equal((await balances()).quarantined_amount, 1)
})

test('an event for an intent that nobody knows is kept aside', async () => {
  const order = await toPay()
  const event = provider.tell('strange', order.ref, { ref: 'pi_foreign', paymentId: null })
  await deliver(event)
  const { rows } = await till.db.query<{ state: string; reason: string }>(
    'select state, reason from holdfast.payment_events where provider_event_id = $1',
    [event.id],
  )
  assert.deepEqual(rows, [{ state: 'quarantined', reason: 'unknown-intent' }])
})

test('what another installation sells on the same account is let be, and nobody is alarmed', async () => {
  const order = await toPay()
  const theirs = { ref: 'pi_theirs', paymentId: newId('pay', till.deps, 7), installation: 'theirs' }
  const paid = provider.tell('theirs', order.ref, theirs)
  const refund = {
    ref: 're_theirs',
    refundId: 'rfd_theirs',
    installation: 'theirs',
    status: 'succeeded',
    amount: 1,
  } as const
  const back = { ...provider.tell('theirs', order.ref), intent: null, refund: { ...refund, intentRef: 'pi_theirs' } }
  await deliver(paid, back)
  const { rows } = await till.db.query<{ state: string; reason: string }>(
    'select state, reason from holdfast.payment_events where provider_event_id = any ($1)',
    [[paid.id, back.id]],
  )
  const ignored = { state: 'ignored', reason: 'another-installation' }
  assert.deepEqual(rows, [ignored, ignored])
})

test('copies that come together are stored once, and the next one is known', async () => {
  const order = await toPay()
  const [one, other] = [provider.tell('once', order.ref), provider.tell('twice', order.ref)]
  const stored = await storeEvents(till.db, 'stripe', 'webhook', [other, one, other, one, other])
  assert.deepEqual([...stored].sort(), [one.id, other.id].sort())
  assert.equal((await storeEvents(till.db, 'stripe', 'list', [one, other])).size, 0)
})

test('a webhook that beats our own record finds the payment by the id in its metadata', async () => {
  const order = await hold()
  provider.trouble('create', 'lost')
  assert.equal((await checkOut(order)).kind, 'queued')
  const [ref] = [...provider.intents.keys()].slice(-1)
  await deliver(provider.confirm(ref!, 'authorize'))
  assert.deepEqual(await state(order), sold)
})

test('webhooks that never come are read from the list', async () => {
  const order = await toPay()
  provider.confirm(order.ref, 'authorize')
  await turn(jobs.reconcile)
  await turn(jobs.events)
  assert.deepEqual(await state(order), sold)
})

test('a list that is too long for one turn is read to its end, oldest news included', async () => {
  const own = await openTill()
  const oldest = await own.toPay({ seats: 1 })
  own.provider.confirm(oldest.ref, 'authorize')
  const noise = await own.toPay({ seats: 1 })
  for (let i = 0; i < 200; i++) own.provider.tell('payment_intent.processing', noise.ref, { status: 'open' })
  own.provider.eventsAPage = 1
  own.provider.trouble('list', 'away', 99)
  await assert.rejects(turn(own.jobs.reconcile), 'the intents are compared once the list is read')
  await turn(own.jobs.events)
  assert.equal((await own.state(oldest)).payment, 'captured')
})

async function lastEnd() {
  const { rows } = await till.db.query<{ data: { final: boolean; reason: string } }>(
    `select data from holdfast.outbox where type = 'PaymentFailed' order by position desc limit 1`,
  )
  return { final: rows[0]!.data.final, reason: rows[0]!.data.reason }
}
