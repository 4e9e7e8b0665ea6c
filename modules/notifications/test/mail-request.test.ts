import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mailRequestOf, type Told } from '../mail-request.ts'
import { aReservation, told } from './orders.ts'

const request = (type: string, data: object) => mailRequestOf(told(type, aReservation(), data) as unknown as Told)
const refund = { amount: 4900, currency: 'EUR', payment_id: 'pay_1', refund_id: 'rfn_1' }

test('each message asks for its mail and keeps only what cannot be looked up later', () => {
  const hold_until = '2026-11-22T10:10:00.000Z'
  const money = { amount: 4900, currency: 'EUR' }
  assert.deepEqual(request('SeatsSold', { late: false, seats: [1] }), { template: 'tickets', data: {} })
  assert.deepEqual(request('SeatsSold', { late: true }), { template: 'late-payment-kept', data: {} })
  assert.deepEqual(request('RefundRequired', { ...refund, reason: 'late-payment' }), {
    template: 'late-payment-refunded',
    data: { ...money, reason: 'late-payment' },
  })
  assert.deepEqual(request('RefundRequired', { ...refund, reason: 'requested' }), {
    template: 'refund-started',
    data: { ...money, reason: 'requested' },
  })
  assert.deepEqual(request('PaymentRefunded', { ...refund, reason: 'late-payment' }), {
    template: 'refund-done',
    data: { ...money, reason: 'late-payment' },
  })
  assert.deepEqual(request('CheckoutQueued', { payment_id: 'pay_1', hold_until }), {
    template: 'checkout-queued',
    data: { hold_until },
  })
  assert.deepEqual(request('CheckoutReady', { payment_id: 'pay_1', hold_until }), {
    template: 'checkout-ready',
    data: { hold_until },
  })
  assert.deepEqual(request('PaymentFailed', { final: true, reason: 'late' }), {
    template: 'payment-failed',
    data: { reason: 'late' },
  })
})

test('a declined card asks for no mail: the buyer sees it and tries another', () => {
  assert.equal(request('PaymentFailed', { final: false, reason: 'declined' }), null)
  for (const reason of ['cancelled', 'hold-ended'])
    assert.equal(request('PaymentFailed', { final: true, reason }), null)
})
