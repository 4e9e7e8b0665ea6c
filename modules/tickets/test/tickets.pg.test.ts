import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock as clock } from '#kernel/clock.ts'
import { newId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
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
  const voiding = { eventNo: 1, ticketIds: [ticket!.ticketId], reason: 'ill', at: clock.now() }
  const [voided] = await db.transaction(tx => desk.void(tx, voiding))
  assert.deepEqual([voided!.status, voided!.revision], ['void', 2])
  await assert.rejects(
    db.transaction(tx => desk.void(tx, voiding)),
    /can be voided/,
  )
  assert.deepEqual(await desk.live(await asTx(), 1, sale.reservationId), [])
  await db.transaction(tx => desk.issue(tx, aSale([seat(10)])))
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
