import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Kept,
  type KeptReservation,
  lostPromises,
  type Promised,
  type SeatChange,
  seatsInTwoHands,
} from '../promises.ts'

const end = 12_000
const promise: Promised = {
  reservationId: 'rsv_1',
  seatIds: ['1-1-1', '1-1-2'],
  places: 0,
  expiresAt: end,
  extendedUntil: null,
  askedToCancel: false,
  isCancelled: false,
  tickets: null,
  askedForRefund: false,
  refundId: null,
}
const row: KeptReservation = {
  state: 'expired',
  firstEnd: end,
  end,
  endedAt: end + 5,
  seatIds: ['1-1-2', '1-1-1'],
  places: 0,
  liveTickets: 0,
  hasPayment: false,
}
const paid: Partial<KeptReservation> = { state: 'confirmed', endedAt: 3000, hasPayment: true, liveTickets: 2 }
const told: Partial<Promised> = { tickets: ['tkt_1', 'tkt_2'] }

function lost(promised: Partial<Promised>, kept: Partial<KeptReservation> | null, tickets = ['tkt_1', 'tkt_2']) {
  const record: Kept = {
    reservations: new Map(kept === null ? [] : [['rsv_1', { ...row, ...kept }]]),
    tickets: new Map(tickets.map(id => [id, { reservationId: 'rsv_1', isLive: true }])),
    refunds: new Set(),
    changes: new Map(),
  }
  return lostPromises([{ ...promise, ...promised }], record).map(sentence => sentence.replace('rsv_1 ', ''))
}

test('what was promised and is in the record as promised is not lost', () => {
  assert.deepEqual(lost({}, {}), [])
  assert.deepEqual(lost({ extendedUntil: end + 10 }, { end: end + 10, endedAt: end + 10 }), [])
  assert.deepEqual(lost({ askedToCancel: true, isCancelled: true }, { state: 'cancelled', endedAt: 3000 }), [])
  assert.deepEqual(lost(told, paid), [])
  assert.deepEqual(lost({ ...told, askedForRefund: true }, { ...paid, liveTickets: 0 }), [])
})

test('each way in which a promise can be lost is seen', () => {
  assert.deepEqual(lost({}, null), ['is gone'])
  assert.deepEqual(lost({}, { seatIds: ['1-1-1'] }), ['has other seats than it was given'])
  assert.deepEqual(lost({}, { places: 1 }), ['has another number of places than it was given'])
  assert.deepEqual(lost({}, { firstEnd: end - 1 }), ['has another end than was promised'])
  assert.deepEqual(lost({ extendedUntil: end + 10 }, { endedAt: end + 10 }), ['lost its extension'])
  assert.deepEqual(lost({}, { endedAt: end - 500 }), ['was ended 500 ms before its time'])
  assert.deepEqual(lost({}, { state: 'cancelled' }), ['was cancelled by nobody'])
  assert.deepEqual(lost({ askedToCancel: true, isCancelled: true }, paid), ['was cancelled and is confirmed'])
  assert.deepEqual(lost(told, { ...paid, state: 'expired', endedAt: end }), ['was confirmed and is expired'])
  assert.deepEqual(lost(told, paid, ['tkt_1']), ['lost its ticket tkt_2'])
  assert.deepEqual(lost(told, { ...paid, liveTickets: 3 }), ['has 3 tickets for 2 places'])
  const refunded = { ...told, askedForRefund: true, refundId: 'rfd_1' }
  assert.deepEqual(lost(refunded, { ...paid, liveTickets: 0 }), ['lost its refund rfd_1'])
})

type Told = [type: string, reservationId: string, at: number, heldUntil?: number]

function troubles(...told: Told[]): string[] {
  const changes = told.map(
    ([type, reservationId, at, heldUntil = null], i): SeatChange => ({
      generation: i + 1,
      type,
      reservationId,
      at,
      heldUntil: heldUntil as number | null,
    }),
  )
  return seatsInTwoHands(new Map([['1-1-1', changes]]))
}

test('a seat that went from hand to hand in its time was never in two', () => {
  const sold: Told[] = [
    ['SeatsReserved', 'b', 13],
    ['SeatsSold', 'b', 14],
  ]
  assert.deepEqual(troubles(['ReservationCreated', 'a', 0, 12], ['ReservationCreated', 'b', 12, 24], ...sold), [])
  assert.deepEqual(
    troubles(['ReservationCreated', 'a', 0, 12], ['ReservationCancelled', 'a', 2], ['ReservationCreated', 'b', 3, 15]),
    [],
  )
})

test('a seat in two hands at once is seen, also when both are gone in the end', () => {
  const [first, second]: Told[] = [
    ['ReservationCreated', 'a', 0, 12],
    ['ReservationCreated', 'b', 5, 17],
  ]
  assert.deepEqual(troubles(first!, second!, ['ReservationCancelled', 'b', 6]), ["1-1-1 went to b while it was a's"])
  assert.deepEqual(troubles(first!, ['SeatsReserved', 'a', 2], ['ReservationCreated', 'b', 50, 60]), [
    "1-1-1 went to b while it was a's",
  ])
  assert.deepEqual(troubles(first!, ['ReservationExpired', 'b', 6]), ["1-1-1 was freed by b while it was a's"])
  assert.deepEqual(troubles(first!, ['ReservationExpired', 'a', 6]), ['1-1-1 was taken from a 6 ms before its time'])
})

test('a change of a seat that nobody was told of is seen', () => {
  const changes = [{ generation: 2, type: 'ReservationCreated', reservationId: 'a', at: 0, heldUntil: 12 }]
  assert.deepEqual(seatsInTwoHands(new Map([['1-1-1', changes]])), ['1-1-1 has change 2 where 1 belongs'])
})
