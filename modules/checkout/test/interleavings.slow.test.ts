import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toUuid } from '#kernel/ids.ts'
import type { Tx } from '#platform/postgres/database.ts'
import { openTill, refusedOnly, turn } from './till.ts'

/**
 * Two transactions meet on real PostgreSQL in every order of their locks. A third one holds rows that both will want; `pg_blocking_pids`
 * says when a transaction has come to wait there; then the rows are let go, one after the other, in either order. Afterwards the house and
 * the books must add up, and nobody may have been told of a deadlock.
 */
type Till = Awaited<ReturnType<typeof openTill>>
type Order = Awaited<ReturnType<Till['toPay']>>
type Deed = (till: Till, order: Order) => Promise<unknown>

const until = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

/** Somebody else who wants the same seats. */
const otherHold: Deed = (till, { eventNo, seatNos }) =>
  till.hold({ event: eventNo, seatNos, places: 1 }).catch(refusedOnly)
const sameBuyerHolds: Deed = (till, { eventNo, seatNos, userId }) =>
  till.hold({ event: eventNo, seatNos, places: 1, userId }).catch(refusedOnly)
const sweep: Deed = till => till.store.expireDue(50)
const setAside: Deed = (till, { eventNo, seatNos }) =>
  till.store.setAside({ eventNo, seatNos, change: { blocked: 'cameras' } })
const look: Deed = till => turn(till.jobs.looks)
const told =
  (status: 'authorized' | 'captured' | 'cancelled' | 'open'): Deed =>
  async (till, order) => {
    const kept = till.provider.intents.get(order.ref)!
    const intent = { ...kept, status, amountCaptured: status === 'captured' ? order.payment.amount : 0 }
    return till.settle(order.payment, { intent, isTruth: false })
  }
const extend: Deed = (till, order) => till.store.extend({ ...order, extensionSeconds: 60 })
const cancelCart: Deed = (till, order) => till.store.cancel(order)
const checkOut: Deed = (till, order) => till.checkOut(order)
const cancelPayment: Deed = (till, order) => till.cancel(order)
const refund: Deed = (till, order) => till.refund(order)
const carryOut: Deed = till => turn(till.jobs.refunds)

type Stage = {
  name: string
  prepare: (till: Till) => Promise<Order>
  deeds: Record<string, Deed>
  /** What would otherwise be under way when the next pair meets. */
  finish?: Deed
}

const wish = { seats: 2, places: 1 }
const asOrder = (order: Awaited<ReturnType<Till['hold']>>) => order as Order

const stages: Stage[] = [
  {
    name: 'a cart',
    prepare: async till => asOrder(await till.hold(wish)),
    deeds: { extend, cancelCart, checkOut, otherHold, setAside, sweep },
  },
  {
    name: 'a cart that has run out',
    async prepare(till) {
      const order = asOrder(await till.hold(wish))
      await till.advance(601_000)
      return order
    },
    deeds: { extend, cancelCart, checkOut, otherHold, sameBuyerHolds, setAside, sweep },
  },
  {
    name: 'an open payment',
    prepare: till => till.toPay(wish),
    deeds: { authorized: authorizedDeed(), cancelPayment, checkOut, declined: told('open'), otherHold, sweep },
  },
  {
    name: 'an open payment at the end of its hold',
    async prepare(till) {
      const order = await till.toPay(wish)
      await till.advance(601_000)
      return order
    },
    deeds: { authorized: authorizedDeed(), look, cancelPayment, otherHold, sweep },
  },
  {
    name: 'a late payment whose places are free',
    async prepare(till) {
      const order = await till.toPay(wish)
      await till.advance(661_000)
      till.provider.trouble('retrieve', 'away', 200)
      till.provider.trouble('list', 'away', 200)
      await turn(till.jobs.looks)
      till.provider.clearTroubles()
      till.provider.confirm(order.ref, 'charge')
      return order
    },
    deeds: { captured: told('captured'), look, otherHold, sameBuyerHolds, setAside, sweep },
    finish: told('captured'),
  },
  {
    name: 'a sale',
    async prepare(till) {
      const order = await till.toPay(wish)
      await till.deliver(till.provider.confirm(order.ref, 'authorize'))
      return order
    },
    deeds: { refund, captured: told('captured'), carryOut, otherHold, setAside },
  },
]

/** The buyer authorises, and the webhook comes. */
function authorizedDeed(): Deed {
  return async (till, order) => {
    const { intents } = till.provider
    if (intents.get(order.ref)!.status === 'open') till.provider.confirm(order.ref, 'authorize')
    return told('authorized')(till, order)
  }
}

for (const { name, prepare, deeds, finish } of stages)
  test(`all pairs of what can happen to ${name}, in every order of their locks`, async () => {
    const till = await openTill({ seats: 4000, areas: [4000] })
    let waits = 0
    for (const [first, one] of Object.entries(deeds))
      for (const [second, two] of Object.entries(deeds))
        for (const held of heldRows) {
          const order = await prepare(till)
          waits += await meet(till, order, { one, two, held }).catch(error => {
            throw new Error(`${first} against ${second}, ${held.join(' then ')} let go: ${error.stack}`)
          })
          await finish?.(till, order)
        }
    assert.ok(waits > 50, `only ${waits} transactions came to wait for another`)
    await till.balances()
  })

type Row = 'reservation' | 'payment' | 'first seat' | 'last seat' | 'area'
/** What the third transaction holds, in the order in which it is let go. */
const heldRows: readonly (readonly Row[])[] = [
  ['reservation'],
  ['payment'],
  ['first seat'],
  ['last seat'],
  ['area'],
  ['reservation', 'last seat'],
  ['last seat', 'reservation'],
  ['first seat', 'area'],
  ['area', 'first seat'],
]

/** How many of the two came to wait; rejects when one of them met something that must not reach a caller. */
async function meet(
  till: Till,
  order: Order,
  { one, two, held }: { one: Deed; two: Deed; held: readonly Row[] },
): Promise<number> {
  const locks = held.map(row => holdRow(till, order, row))
  await Promise.all(locks.map(lock => lock.isHeld))
  let waits = 0
  const running: Promise<unknown>[] = []
  for (const deed of [one, two]) {
    let isDone = false
    const work = deed(till, order).finally(() => {
      isDone = true
    })
    work.catch(() => {}) // awaited below
    running.push(work)
    const before = running.length
    for (let tries = 0; !isDone && tries < 40 && (await waiting(till)) < before; tries++) await until(2)
    if (!isDone) waits++
  }
  for (const lock of locks) {
    lock.letGo()
    await lock.isOver
    await until(1)
  }
  const outcomes = await Promise.allSettled(running)
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  till.provider.clearTroubles()
  return waits
}

function holdRow(till: Till, order: Order, row: Row) {
  const held = Promise.withResolvers<void>()
  const free = Promise.withResolvers<void>()
  const isOver = till.db.transaction(async (tx: Tx) => {
    const { eventNo, reservationId, seatNos } = order
    const seatNo = row === 'first seat' ? seatNos[0] : seatNos.at(-1)
    const [text, values] = {
      reservation: ['reservations where event_no = $1 and reservation_id = $2', [eventNo, toUuid(reservationId)]],
      payment: ['payments where event_no = $1 and reservation_id = $2', [eventNo, toUuid(reservationId)]],
      'first seat': ['seats where event_no = $1 and seat_no = $2', [eventNo, seatNo]],
      'last seat': ['seats where event_no = $1 and seat_no = $2', [eventNo, seatNo]],
      area: ['areas where event_no = $1', [eventNo]],
    }[row] as [string, unknown[]]
    await tx.query(`select from holdfast.${text} for update`, values)
    held.resolve()
    await free.promise
  })
  return { isHeld: held.promise, letGo: free.resolve, isOver }
}

/** Transactions of this database that wait for another's lock. */
async function waiting({ db }: Till): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    `select count(*)::int4 as n from pg_stat_activity
     where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0`,
  )
  return rows[0]!.n
}
