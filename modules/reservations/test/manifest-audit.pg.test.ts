import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { type ReservationId, toUuid } from '#kernel/ids.ts'
import { auditHouse, type DiscrepancyKind } from '../sell/manifest-audit.ts'
import { counterSource } from './commands.ts'
import { hold, makeRequest } from './requests.ts'
import { postgresStand } from './stand.ts'

const stand = await postgresStand()
const { db } = stand.database
// What is planted below is what these would stop.
for (const [table, constraint] of [
  ['seats', 'only_a_hold_has_an_end'],
  ['seats', 'taken_seats_have_a_holder'],
  ['areas', 'available_is_within_capacity'],
  ['reservations', 'only_the_living_have_no_end'],
])
  await db.query(`alter table holdfast.${table} drop constraint ${constraint}`)
await db.query('drop index holdfast.one_live_hold_per_user_and_event')

const ids = counterSource()
let seated: ReservationId
let standing: ReservationId

/** Ten seats, one of them blocked, two held; an area of five with two places held. */
beforeEach(async () => {
  await stand.clear()
  await stand.addEvent({ eventNo: 7, seatCount: 10, areas: [5], blocked: [{ seatNo: 9, reason: 'camera' }] })
  const requests = [
    makeRequest(ids, { eventNo: 7, seats: [1, 2] }),
    makeRequest(ids, { eventNo: 7, areas: [{ areaNo: 0, quantity: 2 }] }),
  ]
  await hold(stand, requests)
  seated = requests[0]!.reservationId
  standing = requests[1]!.reservationId
})

const clean = {
  capacity: 15,
  available: 10,
  held: 4,
  reserved: 0,
  sold: 0,
  blocked: 1,
  oversold: 0,
  live_tickets: 0,
  discrepancies: [],
  discrepancy_count: 0,
}

test('an event whose tables agree balances', async () => {
  assert.deepEqual(await auditHouse(db, 7), clean)
})

test('an event that does not exist has no audit', async () => {
  assert.equal(await auditHouse(db, 8), null)
})

test('a hold that has run out counts as available, before and after it is swept', async () => {
  await stand.advance(600_000)
  assert.deepEqual(await auditHouse(db, 7), { ...clean, available: 14, held: 0 })
  await stand.store.expireDue(10)
  assert.deepEqual(await auditHouse(db, 7), { ...clean, available: 14, held: 0 })
})

test('an overdue seat claimed by another is not a discrepancy', async () => {
  await stand.advance(600_000)
  await hold(stand, [makeRequest(ids, { eventNo: 7, seats: [2, 3] })])
  assert.deepEqual(await auditHouse(db, 7), { ...clean, available: 12, held: 2 })
})

/** Each kind, planted by a statement on seats 1 and 2 (held), 3 (free), 9 (blocked), area 0, or the two reservations. */
const planted: Record<DiscrepancyKind, { sql: string; oversold?: number }> = {
  'holder-unknown': { sql: `update holdfast.seats set reservation_id = gen_random_uuid() where seat_no = 1` },
  'holder-does-not-list-seat': {
    sql: `update holdfast.seats s set status = 'held', held_until = r.expires_at, reservation_id = r.reservation_id
      from holdfast.reservations r where s.seat_no = 3 and r.reservation_id = :seated`,
  },
  'holder-has-ended': {
    sql: `update holdfast.reservations set state = 'cancelled', ended_at = created_at where reservation_id = :seated`,
  },
  'sold-without-confirmation': {
    sql: `update holdfast.seats set status = 'sold', held_until = null where reservation_id = :seated`,
  },
  'held-while-being-paid': {
    sql: `update holdfast.reservations set reserved_at = created_at where reservation_id = :seated`,
  },
  'reserved-without-payment': {
    sql: `update holdfast.seats set status = 'reserved', held_until = null where reservation_id = :seated`,
  },
  'ends-differ': { sql: `update holdfast.seats set held_until = held_until + interval '1 s' where seat_no = 1` },
  'item-without-seat': {
    sql: `update holdfast.seats set status = 'available', held_until = null, reservation_id = null where seat_no = 1`,
  },
  'seat-listed-twice': {
    sql: `update holdfast.reservations set seat_nos = '{1}', seat_levels = '{0}', seat_amounts = '{0}', quantity = 3
      where reservation_id = :standing`,
    oversold: 1,
  },
  'area-counter': { sql: 'update holdfast.areas set available = 4' },
  'area-out-of-range': { sql: 'update holdfast.areas set available = 6' },
  'area-overfull': {
    sql: `update holdfast.reservations set area_quantities = '{7}', quantity = 7, amount = 3500 where reservation_id = :standing`,
    oversold: 2,
  },
  'item-without-area': { sql: `update holdfast.reservations set area_nos = '{3}' where reservation_id = :standing` },
  'two-live-holds': {
    sql: `update holdfast.reservations set key_hash = request_hash, user_id = (select user_id from holdfast.reservations where reservation_id = :seated)
      where reservation_id = :standing`,
  },
  'blocked-without-reason': { sql: 'delete from holdfast.seat_blocks' },
  'reason-without-block': { sql: `insert into holdfast.seat_blocks values (7, 3, 'nothing')` },
  'quantity-differs': { sql: 'update holdfast.reservations set quantity = 4 where reservation_id = :standing' },
  'amount-differs': { sql: 'update holdfast.reservations set amount = amount + 1 where reservation_id = :seated' },
}

for (const [kind, { sql, oversold = 0 }] of Object.entries(planted))
  test(`the audit finds ${kind.replaceAll('-', ' ')}`, async () => {
    await db.query(sql.replace(':seated', `'${toUuid(seated)}'`).replace(':standing', `'${toUuid(standing)}'`))
    const audit = await auditHouse(db, 7)
    assert.ok(
      audit!.discrepancies.some(found => found.kind === kind),
      `found ${JSON.stringify(audit!.discrepancies)}`,
    )
    assert.ok(audit!.discrepancy_count > 0)
    assert.equal(audit!.oversold, oversold)
  })

test('a discrepancy says in words what contradicts what', async () => {
  await db.query('update holdfast.areas set available = 4')
  assert.deepEqual((await auditHouse(db, 7))!.discrepancies, [
    { kind: 'area-counter', detail: 'Area 0 counts 4 places available where 3 are.' },
  ])
})
