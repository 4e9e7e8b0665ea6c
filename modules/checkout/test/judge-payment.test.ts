import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Intent, PaymentRecord, PaymentStatus } from '#payments'
import type { ReservationRecord } from '#reservations'
import { type Circumstances, judgePayment, reclaimMs } from '../judge-payment.ts'

const end = 1_000_000

test('an authorisation in time is captured, money in time is sold', () => {
  assert.equal(stepOf({}, { status: 'authorized' }), 'capture')
  assert.equal(stepOf({}, { status: 'captured', amountCaptured: 5000 }), 'sell')
})

test('an authorisation at 9:58 whose news comes at 10:30 is captured, because the places waited', () => {
  assert.equal(stepOf({ now: end + 30_000 }, { status: 'authorized' }), 'capture')
})

test('money that comes after the places were given up takes them back, by the policy and within half an hour', () => {
  const late = { reservation: { state: 'expired', reservedAt: null } as const, now: end + 60_000 }
  assert.equal(stepOf(late, { status: 'authorized' }), 'reclaim-capture')
  assert.equal(stepOf(late, { status: 'captured', amountCaptured: 5000 }), 'reclaim-sell')
  assert.equal(stepOf({ ...late, now: end + reclaimMs }, { status: 'authorized' }), 'void')
  assert.equal(stepOf({ ...late, now: end + reclaimMs }, { status: 'captured', amountCaptured: 5000 }), 'refund')
  for (const event of [
    { status: 'onsale', latePayment: 'refund' },
    { status: 'ended', latePayment: 'reclaim' },
    { status: 'cancelled', latePayment: 'reclaim' },
  ] as const)
    assert.equal(stepOf({ ...late, event }, { status: 'captured', amountCaptured: 5000 }), 'refund')
})

test('what a cancelled event would only have to give back is not taken', () => {
  const event = { status: 'cancelled', latePayment: 'reclaim' } as const
  assert.equal(stepOf({ event }, { status: 'authorized' }), 'void')
  assert.equal(stepOf({ event }, { status: 'captured', amountCaptured: 5000 }), 'sell')
  assert.equal(stepOf({ event: { ...event, status: 'ended' } }, { status: 'authorized' }), 'capture')
})

test('a buyer who cancelled gets money back that came nevertheless, never the places', () => {
  const cancelled = { reservation: { state: 'cancelled', reservedAt: null }, payment: { status: 'cancelled' } } as const
  assert.equal(stepOf(cancelled, { status: 'captured', amountCaptured: 5000 }), 'refund')
  assert.equal(stepOf(cancelled, { status: 'authorized' }), 'void')
})

test('a decline leaves the payment as it is, so that the second card works', () => {
  assert.equal(
    stepOf({}, { status: 'open', lastDecline: { attemptRef: 'ch_1', code: 'card_declined', declineCode: null } }),
    'nothing',
  )
  const processing = { payment: { status: 'processing' } } as const
  assert.equal(stepOf(processing, { status: 'open' }), 'note-open')
  assert.equal(stepOf({ ...processing, isTruth: false }, { status: 'open' }), 'nothing', 'an old event is old')
})

const other = [
  ['amount-differs', { amount: 4999 }],
  ['currency-differs', { currency: 'USD' }],
  ['wrong-mode', { isLive: true }],
  ['another-intent', { ref: 'pi_other' }],
  ['captured-amount-differs', { status: 'captured', amountCaptured: 4000 }],
] as const
for (const [reason, intent] of other)
  test(`an intent that does not fit (${reason}) is never applied`, () => {
    const judged = judgePayment(circumstances({}, { status: 'authorized', ...intent }))
    assert.deepEqual(judged, { step: 'mismatch', reason })
  })

test('whatever the provider says and in whatever order, what is settled stays settled', () => {
  const settled: PaymentStatus[] = ['captured', 'refund_pending', 'partly_refunded', 'refunded', 'quarantined']
  fc.assert(
    fc.property(
      fc.constantFrom(...settled),
      anyIntent(),
      anyReservation(),
      fc.nat(5 * end),
      (status, intent, reservation, now) => {
        const { step } = judgePayment(circumstances({ payment: { status }, reservation, now }, intent))
        assert.ok(step === 'nothing' || step === 'mismatch', step)
      },
    ),
  )
})

test('nothing is sold without money, and nothing is captured without places', () => {
  fc.assert(
    fc.property(anyStatus(), anyIntent(), anyReservation(), fc.nat(5 * end), (status, intent, reservation, now) => {
      const { step } = judgePayment(circumstances({ payment: { status }, reservation, now }, intent))
      if (step === 'sell' || step === 'reclaim-sell' || step === 'refund') assert.equal(intent.status, 'captured')
      if (step === 'sell' || step === 'capture') assert.notEqual(reservation.reservedAt, null)
      if (step === 'reclaim-sell' || step === 'reclaim-capture') assert.equal(reservation.state, 'expired')
      if (step === 'void') assert.equal(intent.status, 'authorized')
    }),
  )
})

function anyStatus() {
  return fc.constantFrom<PaymentStatus>(
    'open',
    'processing',
    'authorized',
    'capturing',
    'captured',
    'cancelled',
    'refunded',
  )
}

function anyIntent() {
  return fc
    .constantFrom<Intent['status']>('open', 'processing', 'authorized', 'captured', 'cancelled')
    .map(status => ({ status, amountCaptured: status === 'captured' ? 5000 : 0 }))
}

function anyReservation() {
  return fc.constantFrom(
    { state: 'pending_payment', reservedAt: 1 } as const,
    { state: 'expired', reservedAt: null } as const,
    { state: 'expired', reservedAt: 1 } as const,
    { state: 'cancelled', reservedAt: null } as const,
  )
}

type Given = {
  payment?: Partial<PaymentRecord>
  reservation?: Partial<ReservationRecord>
  event?: Circumstances['event']
  isTruth?: boolean
  now?: number
}

function stepOf(given: Given, intent: Partial<Intent>): string {
  return judgePayment(circumstances(given, intent)).step
}

function circumstances(
  { payment, reservation, event, isTruth = true, now = end - 1000 }: Given,
  intent: Partial<Intent>,
): Circumstances {
  return {
    payment: { status: 'open', providerRef: 'pi_1', amount: 5000, currency: 'EUR', ...payment } as PaymentRecord,
    reservation: { state: 'pending_payment', reservedAt: 1, expiresAt: end, ...reservation } as ReservationRecord,
    intent: {
      ref: 'pi_1',
      amount: 5000,
      currency: 'EUR',
      isLive: false,
      amountCaptured: 0,
      lastDecline: null,
      ...intent,
    } as Intent,
    isTruth,
    isLive: false,
    event: event ?? { status: 'onsale', latePayment: 'reclaim' },
    now,
  }
}
