import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toUuid } from '#kernel/ids.ts'
import { openTill, turn } from './till.ts'

// What the provider says after the places were freed, and when they are.

const till = await openTill()
const { provider, deliver, toPay, hold, checkOut, state, advance, balances, jobs } = till

const sold = { reservation: 'confirmed', payment: 'captured', seats: ['sold', 'sold'], tickets: 2 }

test('the provider says nothing for a minute after the end: the seats are freed, and what comes later is late', async () => {
  const order = await toPay()
  await advance(600_000)
  provider.trouble('retrieve', 'away', 50)
  provider.trouble('list', 'away', 50)
  await turn(jobs.looks)
  assert.deepEqual((await state(order)).seats, ['reserved', 'reserved'])
  await advance(61_000)
  await turn(jobs.looks)
  assert.deepEqual(await state(order), {
    reservation: 'expired',
    payment: 'open',
    seats: ['available', 'available'],
    tickets: 0,
  })
  const charged = provider.confirm(order.ref, 'charge')
  await deliver(charged)
  assert.deepEqual(await state(order), sold)
  const { rows } = await till.db.query<{ late: boolean }>(
    'select late from holdfast.payments where provider_ref = $1',
    [order.ref],
  )
  assert.equal(rows[0]!.late, true)
  await balances()
  provider.clearTroubles()
})

test('who was queued while their places were about to be freed keeps them, for as long as they were given', async () => {
  const answered = await toPay()
  const queued = await hold()
  provider.breakerState = 'open'
  assert.equal((await checkOut(queued)).kind, 'queued')
  // Long enough that both are over by what is read; and before it is acted upon there is more time.
  await advance(990_000)
  provider.trouble('retrieve', 'away', 50)
  provider.trouble('list', 'away', 50)
  const ids = [answered, queued].map(order => toUuid(order.reservationId))
  const extended = Promise.withResolvers<void>()
  const letGo = Promise.withResolvers<void>()
  const extending = till.db.transaction(async tx => {
    await tx.query(
      `update holdfast.reservations set expires_at = holdfast.clock() + interval '5 min' where reservation_id = any ($1)`,
      [ids],
    )
    extended.resolve()
    await letGo.promise
  })
  await extended.promise
  const looking = turn(jobs.looks)
  const waiting = `select count(*)::int4 as n from pg_stat_activity
    where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0`
  while ((await till.db.query<{ n: number }>(waiting)).rows[0]!.n < 2)
    await new Promise(resolve => setTimeout(resolve, 20))
  letGo.resolve()
  await Promise.all([extending, looking])
  for (const order of [answered, queued])
    assert.deepEqual(
      [(await state(order)).reservation, (await state(order)).seats],
      ['pending_payment', ['reserved', 'reserved']],
    )
  provider.clearTroubles()
  provider.breakerState = 'closed'
  await advance(301_000)
  await turn(jobs.looks)
  assert.equal((await state(answered)).reservation, 'expired')
})

test('late, and the seats are another’s: all of the money goes back, once', async () => {
  const order = await freedWithOpenPayment()
  const other = await toPay({ seatNos: order.seatNos })
  await deliver(provider.confirm(other.ref, 'authorize'))
  const before = provider.refunded
  const charged = provider.confirm(order.ref, 'charge')
  await deliver(charged, charged)
  assert.equal((await state(order)).payment, 'refund_pending')
  await balances()
  await turn(jobs.refunds)
  await turn(jobs.refunds)
  assert.equal((await state(order)).payment, 'refunded')
  assert.equal(provider.refunded - before, 5000)
  assert.deepEqual(await state(other), sold)
  await balances()
})

test('late, and the seats are in the same buyer’s newer cart: they are taken from there', async () => {
  const order = await freedWithOpenPayment()
  const newer = await hold({ seatNos: order.seatNos, userId: order.userId })
  await deliver(provider.confirm(order.ref, 'charge'))
  assert.deepEqual(await state(order), sold)
  assert.equal((await state(newer)).reservation, 'cancelled')
  await balances()
})

test('late, and even the buyer’s newer cart does not give all of the seats: the cart stays as it is', async () => {
  const order = await freedWithOpenPayment()
  const [first, second] = order.seatNos
  const newer = await hold({ seatNos: [first!], userId: order.userId })
  await hold({ seatNos: [second!] })
  await deliver(provider.confirm(order.ref, 'charge'))
  await turn(jobs.refunds)
  assert.equal((await state(order)).payment, 'refunded')
  assert.deepEqual(await state(newer), {
    reservation: 'pending_payment',
    payment: null,
    seats: ['held'],
    tickets: 0,
  })
  await balances()
})

test('late, and the places of the area are in the same buyer’s newer cart: taken from there, if it takes that', async () => {
  const event = await till.anEvent()
  const order = await freedWithOpenPayment({ event, places: 3 })
  const kept = await hold({ event, places: 2, userId: order.userId })
  await deliver(provider.confirm(order.ref, 'charge'))
  assert.equal((await state(order)).tickets, 3)
  assert.equal((await state(kept)).reservation, 'pending_payment', 'there was room for both')

  const other = await freedWithOpenPayment({ event, places: 3 })
  const newer = await hold({ event, places: 45, userId: other.userId })
  await deliver(provider.confirm(other.ref, 'charge'))
  assert.equal((await state(other)).tickets, 3)
  assert.equal((await state(newer)).reservation, 'cancelled')
  await balances(event)
})

test('late, and holds that have run out still count in the area: they are swept first', async () => {
  const event = await till.anEvent()
  const order = await freedWithOpenPayment({ event, places: 3 })
  const gone = await hold({ event, places: 50 })
  await advance(601_000)
  await deliver(provider.confirm(order.ref, 'charge'))
  assert.equal((await state(order)).tickets, 3)
  assert.equal((await state(gone)).reservation, 'expired')
  await balances(event)
})

test('authorised late and the seats are gone: nothing is charged', async () => {
  const order = await freedWithOpenPayment()
  await hold({ seatNos: order.seatNos })
  const before = provider.charged
  await deliver(provider.confirm(order.ref, 'authorize'))
  assert.equal((await state(order)).payment, 'cancelled')
  assert.equal(provider.intents.get(order.ref)!.status, 'cancelled')
  assert.equal(provider.charged, before)
  await balances()
})

test('authorised late and the seats are free: taken back, captured, sold', async () => {
  const order = await freedWithOpenPayment()
  await deliver(provider.confirm(order.ref, 'authorize'))
  assert.deepEqual(await state(order), sold)
  await balances()
})

test('the policy may say that late money always goes back', async () => {
  const event = await till.anEvent('refund')
  const order = await freedWithOpenPayment({ event, seatNos: [1, 2] })
  await deliver(provider.confirm(order.ref, 'charge'))
  await turn(jobs.refunds)
  assert.deepEqual(await state(order), {
    reservation: 'expired',
    payment: 'refunded',
    seats: ['available', 'available'],
    tickets: 0,
  })
  await balances(event)
})

test('places in an area are taken back like seats, or not at all', async () => {
  const order = await freedWithOpenPayment({ places: 3 })
  await deliver(provider.confirm(order.ref, 'charge'))
  assert.equal((await state(order)).tickets, 3)
  const gone = await freedWithOpenPayment({ places: 3 })
  const { rows } = await till.db.query<{ available: number }>(
    'select available from holdfast.areas where event_no = $1',
    [till.eventNo],
  )
  await hold({ places: rows[0]!.available })
  await deliver(provider.confirm(gone.ref, 'charge'))
  await turn(jobs.refunds)
  assert.equal((await state(gone)).payment, 'refunded')
  await balances()
})

async function freedWithOpenPayment(wish: Parameters<typeof toPay>[0] = {}) {
  const order = await toPay(wish)
  await advance(661_000)
  provider.trouble('retrieve', 'away', 50)
  provider.trouble('list', 'away', 50)
  await turn(jobs.looks)
  provider.clearTroubles()
  assert.equal((await state(order)).reservation, 'expired')
  return order
}
