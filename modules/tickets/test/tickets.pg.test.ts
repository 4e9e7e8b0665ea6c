import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock as clock } from '#kernel/clock.ts'
import { newId, type TicketId, toUuid } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { importMutant, type Mutation } from '#platform/test-mutant.ts'
import { loadSigningKeys } from '../code/signing-keys.ts'
import { type Sale, ticketDesk } from '../issue-tickets.ts'
import { findTicket, ticketsOfUser } from '../tickets.sql.ts'

const random = systemRandom()
const source = { clock, random }
const { db } = await testDatabase()
const keys = await loadSigningKeys({ folder: await mkdtemp(join(tmpdir(), 'holdfast-keys-')), random })
const desk = ticketDesk({ ...source, currentKey: () => keys.current })

function aSale(places: Sale['places']): Sale {
  return {
    eventNo: 1,
    reservationId: newId('rsv', source, 1),
    userId: newId('usr', source),
    holderName: 'Ada',
    currency: 'EUR',
    places,
    issuedAt: clock.now(),
  }
}

const seat = (seatNo: number) => ({
  kind: 'seat' as const,
  seatNo,
  section: 'A',
  row: '1',
  number: String(seatNo),
  priceLevel: 0,
  amount: 2500,
})
const standing = { kind: 'area' as const, areaNo: 0, areaId: 'FLOOR', quantity: 3, priceLevel: 1, amount: 1500 }

test('a sale has a ticket for each place, which are found again as they were', async () => {
  const sale = aSale([seat(1), seat(2), standing])
  const issued = await db.transaction(tx => desk.issue(tx, sale))
  assert.equal(issued.length, 5)
  assert.deepEqual(await findTicket(db, 1, issued[0]!.ticketId), issued[0])
  const mine = await ticketsOfUser(db, sale.userId, { limit: 2 })
  const rest = await ticketsOfUser(db, sale.userId, { limit: 10, before: mine[1]!.ticketId })
  assert.equal(new Set([...mine, ...rest].map(ticket => ticket.ticketId)).size, 5)
})

test('a void ticket is void once, and its seat can be sold again', async () => {
  const sale = aSale([seat(10)])
  const [ticket] = await db.transaction(tx => desk.issue(tx, sale))
  const voiding = voidingOf(sale, [ticket!.ticketId])
  const [voided] = await db.transaction(tx => desk.void(tx, voiding))
  assert.deepEqual([voided!.status, voided!.revision], ['void', 2])
  await assert.rejects(
    db.transaction(tx => desk.void(tx, voiding)),
    /can be voided/,
  )
  assert.deepEqual(await desk.live(await asTx(), 1, sale.reservationId), [])
  await db.transaction(tx => desk.issue(tx, aSale([seat(10)])))
})

test('a ticket is voided only with its own reservation', async () => {
  const { theirs, ticketIds } = await twoSales([30, 31])
  await assert.rejects(
    db.transaction(tx => desk.void(tx, voidingOf(theirs, ticketIds))),
    /can be voided/,
  )
  assert.equal(await liveOf(30), 1)
})

test('without the reservation in the statement, somebody else’s ticket would be void', async () => {
  const careless = await deskWithout([' and t.reservation_id = $5', ' and $5::uuid is not null'])
  const { theirs, ticketIds } = await twoSales([32, 33])
  await db.transaction(tx => careless.void(tx, voidingOf(theirs, ticketIds)))
  assert.equal(await liveOf(32), 0)
})

test('without the status in the statement, a ticket would be void twice, and refunded twice', async () => {
  const guarded = ` and t.reservation_id = $5 and t.status <> 'void'`
  const careless = await deskWithout([guarded, ' and t.reservation_id = $5'])
  const sale = aSale([seat(34)])
  const [ticket] = await db.transaction(tx => desk.issue(tx, sale))
  const voiding = voidingOf(sale, [ticket!.ticketId])
  const revisions = []
  for (let i = 0; i < 2; i++) revisions.push((await db.transaction(tx => careless.void(tx, voiding)))[0]!.revision)
  assert.deepEqual(revisions, [2, 3])
})

test('a list that names a ticket that is void already voids none', async () => {
  const sale = aSale([seat(40), seat(41)])
  const ticketIds = (await db.transaction(tx => desk.issue(tx, sale))).map(ticket => ticket.ticketId)
  await db.transaction(tx => desk.void(tx, voidingOf(sale, ticketIds.slice(0, 1))))
  await assert.rejects(
    db.transaction(tx => desk.void(tx, voidingOf(sale, ticketIds))),
    /can be voided/,
  )
  assert.equal(await liveOf(41), 1)
})

test('of two sales of one seat at once one has the ticket', async () => {
  const outcomes = await Promise.allSettled([1, 2].map(() => db.transaction(tx => desk.issue(tx, aSale([seat(50)])))))
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  assert.equal(await liveOf(50), 1)
})

test('the table refuses a ticket for no place or two, a void one without its time, and half a signature', async () => {
  const [ticket] = await db.transaction(tx => desk.issue(tx, aSale([seat(60)])))
  const wrong: [set: string, constraint: RegExp][] = [
    ['seat_no = null', /a_ticket_is_for_one_place/],
    ['area_no = 1', /a_ticket_is_for_one_place/],
    [`status = 'void'`, /only_void_tickets_are_voided/],
    ['voided_at = holdfast.clock()', /only_void_tickets_are_voided/],
    ['signature = substr(signature, 1, 63)', /signature_check/],
    ['key_number = 256', /key_number_check/],
  ]
  for (const [set, constraint] of wrong)
    await assert.rejects(
      db.query(`update holdfast.tickets set ${set} where ticket_id = $1`, [toUuid(ticket!.ticketId)]),
      constraint,
      set,
    )
})

test('the last wall: nobody gets a second live ticket for a seat, and without the index they would', async () => {
  await db.transaction(tx => desk.issue(tx, aSale([seat(20)])))
  const again = () => db.transaction(tx => desk.issue(tx, aSale([seat(21), seat(20)])))
  await assert.rejects(again(), /one_live_ticket_per_seat/)
  assert.equal(await liveOf(21), 0, 'nothing of that sale is there')
  await db.query('drop index holdfast.one_live_ticket_per_seat')
  await again()
  assert.equal(await liveOf(20), 2)
})

function voidingOf({ reservationId }: Sale, ticketIds: TicketId[]) {
  return { eventNo: 1, reservationId, ticketIds, reason: 'ill', at: clock.now() }
}

/** Two sales, and the ticket of the first of them. */
async function twoSales([first, second]: [number, number]) {
  const [mine, theirs] = [aSale([seat(first)]), aSale([seat(second)])]
  const issued = await db.transaction(tx => desk.issue(tx, mine))
  await db.transaction(tx => desk.issue(tx, theirs))
  return { theirs, ticketIds: issued.map(ticket => ticket.ticketId) }
}

let carelessDesks = 0

/** The desk with a part of its statement taken away. */
async function deskWithout(change: Mutation) {
  // Prepared under a name of its own: connections remember the statement as it is.
  const changes: Mutation[] = [change, [`'void_tickets_2'`, `'void_tickets_without_${++carelessDesks}'`]]
  const entry = new URL('../issue-tickets.ts', import.meta.url)
  const mutant = await importMutant<typeof import('../issue-tickets.ts')>(entry, { 'tickets/tickets.sql.ts': changes })
  return mutant.ticketDesk({ ...source, currentKey: () => keys.current })
}

async function liveOf(seatNo: number): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    `select count(*)::int4 as n from holdfast.tickets where seat_no = $1 and status <> 'void'`,
    [seatNo],
  )
  return rows[0]!.n
}

/** Reading needs no transaction of its own here. */
async function asTx() {
  return db as unknown as Parameters<typeof desk.live>[0]
}
