import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findLostSales } from '../find-lost-sales.ts'
import { openTill, turn } from './till.ts'

// A restore is played by deleting what was written last, as a record that ends earlier does not have it.

const till = await openTill()
const { db, provider, deps } = till
const find = (dryRun = false) => findLostSales({ ...deps, provider }, { since: 0, dryRun })

async function forget(order: { reservationId: string }, ref: string): Promise<void> {
  await db.query(`delete from holdfast.payments where provider_ref = $1`, [ref])
  await db.query(`delete from holdfast.payment_refs where provider_ref = $1`, [ref])
  await db.query(`delete from holdfast.tickets where reservation_id = (select reservation_id from holdfast.reservations
    where not exists (select from holdfast.payments p where p.reservation_id = reservations.reservation_id)
      and state = 'confirmed')`)
  await db.query(`update holdfast.seats s set status = 'available', reservation_id = null
    from holdfast.reservations r where r.reservation_id = s.reservation_id
      and not exists (select from holdfast.payments p where p.reservation_id = r.reservation_id)`)
  await db.query(`delete from holdfast.reservations r
    where not exists (select from holdfast.payments p where p.reservation_id = r.reservation_id)`)
  assert.equal(await till.store.find(till.eventNo, order.reservationId as never), null)
}

test('money of a sale that is forgotten goes back once, and the books say so', async () => {
  const kept = await till.toPay()
  await till.deliver(provider.confirm(kept.ref, 'authorize'))
  const lost = await till.toPay()
  await till.deliver(provider.confirm(lost.ref, 'authorize'))
  assert.equal(provider.charged, 10_000)
  await forget(lost, lost.ref)

  const looked = await find(true)
  assert.equal(looked.unexplainedCaptures, 1, 'a look changes nothing')
  assert.deepEqual(
    looked.waiting.map(it => it.ref),
    [lost.ref],
  )
  const found = await find()
  assert.deepEqual([found.agreed, found.refunded, found.refundedAmount, found.waiting.length], [1, 1, 5000, 0])
  await turn(till.jobs.refunds)
  assert.equal(provider.refunded, 5000)
  const again = await find()
  assert.deepEqual([again.agreed, again.refunded, again.unexplainedCaptures], [2, 0, 0])
  await turn(till.jobs.refunds)
  assert.equal(provider.refunded, 5000, 'once')
  const money = await till.balances()
  assert.deepEqual([money.captured_amount, money.refunded_amount, money.ticket_value], [10_000, 5000, 5000])
  assert.equal((await till.state(kept)).reservation, 'confirmed')
})

test('what was only authorised is let go, and nobody is charged', async () => {
  const { charged } = provider
  const lost = await till.toPay()
  await forget(lost, lost.ref)
  provider.confirm(lost.ref, 'authorize')
  const found = await find()
  assert.equal(found.cancelled, 1)
  assert.equal(provider.intents.get(lost.ref)!.status, 'cancelled')
  assert.equal(provider.charged, charged)
})

test('what another installation sells on the same account was never ours, and stays theirs', async () => {
  const { refunded } = provider
  const sold = await till.toPay()
  await till.deliver(provider.confirm(sold.ref, 'authorize'))
  await forget(sold, sold.ref)
  provider.intents.get(sold.ref)!.installation = 'theirs'
  const before = await find(true)
  const found = await find()
  assert.deepEqual([found.foreign, found.refunded, found.waiting.length], [1, 0, 0])
  await turn(till.jobs.refunds)
  assert.equal(provider.refunded, refunded)
  assert.equal(before.unexplainedCaptures, 0)
  // Without the name of who made it, it would be ours to give back.
  provider.intents.get(sold.ref)!.installation = provider.installation
  assert.equal((await find(true)).unexplainedCaptures, 1)
  provider.intents.get(sold.ref)!.installation = 'theirs'
})

test('what the record knows is left to settling, and waits until that is done', async () => {
  const order = await till.toPay()
  const event = provider.confirm(order.ref, 'authorize')
  const before = await find()
  assert.deepEqual(
    before.waiting.map(it => it.ref),
    [order.ref],
  )
  await till.deliver(event)
  assert.equal((await find()).waiting.length, 0)
  assert.equal((await till.state(order)).reservation, 'confirmed')
})
