import assert from 'node:assert/strict'
import { test } from 'node:test'
import { paymentEvents, payments, refunds } from '#payments/memory'
import type { Change } from '#platform/memory/database.ts'
import { outbox, reservations, seats } from '#reservations/memory'
import { tickets } from '#tickets/memory'
import { checkChange } from '../check-steps.ts'
import type { Town } from '../town.ts'

const noon = 1_000_000
const live = { reservationId: 'rsv_live', state: 'pending_payment', reservedAt: null, expiresAt: noon + 1 }
const over = { reservationId: 'rsv_over', state: 'pending_payment', reservedAt: null, expiresAt: noon }
const paying = { ...live, reservationId: 'rsv_paying', reservedAt: noon - 1, expiresAt: noon - 1 }
const paid = { ...live, reservationId: 'rsv_paid', state: 'confirmed' }

function see(table: Change['table'] | object, before: object | null, after: object | null, latePayment = 'refund') {
  const town = {
    plan: { latePayment },
    timeline: { now: () => noon },
    database: { rows: () => [live, over, paying, paid] },
  }
  return checkChange(town as unknown as Town, { table, before, after } as Change)
}

const seat = (status: string, reservationId: string | null, generation = 1) => ({
  seatNo: 7,
  status,
  reservationId,
  generation,
})

test('steps that the world allows are no news', () => {
  const free = seat('available', null)
  assert.deepEqual(see(seats, free, seat('held', 'rsv_live')), [])
  assert.deepEqual(see(seats, seat('held', 'rsv_over'), seat('held', 'rsv_live')), [])
  assert.deepEqual(see(seats, seat('reserved', 'rsv_paid'), seat('sold', 'rsv_paid')), [])
  assert.deepEqual(see(reservations, { ...live, state: 'expired' }, paid, 'reclaim'), [])
  assert.deepEqual(see(tickets, { status: 'valid', seat_no: 7 }, { status: 'void', seat_no: 7 }), [])
})

const wrong: [what: string, table: object, before: object | null, after: object | null, said: RegExp][] = [
  ['a live hold is robbed', seats, seat('held', 'rsv_live'), seat('held', 'rsv_over'), /taken from rsv_live/],
  [
    'a seat being paid is freed',
    seats,
    seat('reserved', 'rsv_paying'),
    seat('available', null),
    /taken from rsv_paying/,
  ],
  [
    'a seat is sold for nobody’s money',
    seats,
    seat('reserved', 'rsv_paying'),
    seat('sold', 'rsv_paying'),
    /pending_pay/,
  ],
  ['a sold seat is held', seats, seat('sold', 'rsv_paid'), seat('held', 'rsv_live'), /that is sold becomes held/],
  ['a seat goes back in time', seats, seat('held', 'rsv_live', 3), seat('held', 'rsv_live', 2), /from 3 back to 2/],
  ['a cancelled order comes back', reservations, { ...live, state: 'cancelled' }, paid, /cancelled becomes confirmed/],
  ['late money that should go back buys', reservations, { ...live, state: 'expired' }, paid, /late money should go/],
  ['a hold is made shorter', reservations, live, { ...live, expiresAt: noon }, /end of a hold goes/],
  ['a reservation is removed', reservations, live, null, /is removed/],
  ['a void ticket is good again', tickets, { status: 'void' }, { status: 'valid' }, /void becomes valid/],
  [
    'a ticket moves to another seat',
    tickets,
    { status: 'valid', seat_no: 1 },
    { status: 'valid', seat_no: 2 },
    /seat of/,
  ],
  [
    'captured money is forgotten',
    payments,
    { status: 'captured', captured_amount: 9 },
    { status: 'captured', captured_amount: 0 },
    /captured amount/,
  ],
  [
    'a refunded payment is captured',
    payments,
    { status: 'refunded' },
    { status: 'captured' },
    /refunded becomes captured/,
  ],
  ['a failed refund succeeds', refunds, { status: 'failed' }, { status: 'succeeded' }, /failed becomes succeeded/],
  [
    'a settled webhook is taken again',
    paymentEvents,
    { state: 'settled' },
    { state: 'stored' },
    /settled becomes stored/,
  ],
  ['history is written anew', outbox, { type: 'SeatHeld' }, { type: 'SeatsSold' }, /changed after it was written/],
]

for (const [what, table, before, after, said] of wrong)
  test(`a step is seen by which ${what}`, () => assert.match(see(table, before, after).join('; '), said))
