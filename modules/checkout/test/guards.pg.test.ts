import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importMutant, type Mutation } from '#platform/test-mutant.ts'
import type * as Till from './till.ts'

type OpenTill = Awaited<ReturnType<typeof Till.openTill>>

/**
 * Negative controls. Each guard has a story in which it is all that stands between a buyer and a harm: told as checkout is, and with the
 * guard taken away. A story returns the harm it saw; a mutant may also be stopped by an assertion or a constraint further down, which
 * says that there is another wall, and the story names it.
 */
type Guard = { changes: Record<string, readonly Mutation[]>; story: (till: OpenTill) => Promise<string[]> }

const guards: Record<string, Guard> = {
  'what is settled stays settled': {
    changes: {
      'checkout/judge-payment.ts': [["    case 'captured':\n    case 'refund_pending':", "    case 'refund_pending':"]],
    },
    async story(till) {
      const order = await paid(till)
      const { rows } = await till.db.query<{ attempts: number }>('select 1 as attempts')
      assert.equal(rows.length, 1)
      return told(() => till.deliver(till.provider.tell('succeeded again', order.ref)), till)
    },
  },
  'the provider tells an event once': {
    changes: {
      'payments/inbox.sql.ts': [['select $1, e.id, e.type', "select $1, e.id || '-' || gen_random_uuid(), e.type"]],
    },
    async story(till) {
      const order = await till.toPay()
      const event = till.provider.confirm(order.ref, 'decline')
      await till.deliver(event)
      await till.deliver(event)
      const { rows } = await till.db.query('select from holdfast.payment_events')
      return rows.length > 1 ? [`${rows.length} events stored`] : []
    },
  },
  'an amount that does not fit is never applied': {
    changes: {
      'checkout/judge-payment.ts': [["if (intent.amount !== payment.amount) return 'amount-differs'", '']],
    },
    async story(till) {
      const order = await till.toPay()
      await till.deliver(till.provider.tell('odd', order.ref, { status: 'authorized', amount: 1 }))
      const { payment } = await till.state(order)
      return payment === 'open' ? [] : [`the payment is ${payment}`]
    },
  },
  'an intent of the other mode is never applied': {
    changes: {
      'checkout/judge-payment.ts': [["if (intent.isLive !== isLive) return 'wrong-mode'", '']],
    },
    async story(till) {
      const order = await till.toPay()
      await till.deliver(till.provider.tell('odd', order.ref, { status: 'authorized', isLive: true }))
      const { payment } = await till.state(order)
      return payment === 'open' ? [] : [`the payment is ${payment}`]
    },
  },
  'an open payment keeps its seats from the sweeper': {
    changes: {},
    async story(till) {
      const order = await till.toPay()
      till.provider.confirm(order.ref, 'authorize')
      await till.advance(601_000)
      await till.store.expireDue(100)
      return (await till.state(order)).seats.includes('available') ? ['the seats of a paid reservation are free'] : []
    },
  },
  'a cancellation learns first': {
    changes: {
      'checkout/cancel-checkout.ts': [
        [
          "const intent = learned.status === 'open' ? await cancelOrLearn(deps, learned.ref) : learned",
          'const intent = await cancelOrLearn(deps, learned.ref)',
        ],
      ],
    },
    async story(till) {
      const order = await till.toPay()
      till.provider.confirm(order.ref, 'authorize')
      await till.cancel(order)
      const { payment } = await till.state(order)
      return payment === 'captured' ? [] : [`a buyer who had paid has a payment that is ${payment}`]
    },
  },
  'capturing is committed before the provider captures': {
    changes: {
      'checkout/settle-payment.ts': [
        [
          "return { payment: await beginCapture(turn, { late: false }), next: 'capture' }",
          "return { payment, next: 'capture' }",
        ],
      ],
    },
    async story(till) {
      const order = await till.toPay()
      till.provider.trouble('capture', 'lost')
      await till.advance(590_000)
      await till.deliver(till.provider.confirm(order.ref, 'authorize'))
      till.provider.trouble('retrieve', 'away', 30)
      await till.advance(90_000)
      await turns(till.jobs.looks)
      const { seats } = await till.state(order)
      return seats.includes('available') ? ['seats are free whose money was taken'] : []
    },
  },
  'a late payment takes all places or none': {
    changes: {
      'reservations/sell/reclaim-places.sql.ts': [
        [
          "          and (s.status = 'available' or (s.status = 'held' and s.held_until <= $4))\n        order by",
          '        order by',
        ],
        [
          "          and (s.status = 'available' or (s.status = 'held' and s.held_until <= $4))\n        returning",
          '        returning',
        ],
      ],
    },
    async story(till) {
      const order = await late(till)
      const other = await till.hold({ seatNos: order.seatNos.slice(0, 1) })
      await till.deliver(till.provider.confirm(order.ref, 'charge'))
      const { rows } = await till.db.query<{ mine: boolean }>(
        'select reservation_id is not null as mine from holdfast.seats where event_no = $1 and seat_no = $2 and status = $3',
        [till.eventNo, other.seatNos[0], 'held'],
      )
      return rows.length === 1 ? [] : ['somebody’s held seat was taken from them']
    },
  },
  'refunds that are pending count against the rest': {
    changes: {
      'checkout/refund.ts': [
        [
          'const live = await deps.tickets.live(tx, eventNo, reservationId)',
          'const live = (stale ??= await deps.tickets.live(tx, eventNo, reservationId))',
        ],
        [
          'export type RefundCommand = {',
          'let stale: Awaited<ReturnType<TicketDesk["live"]>> | undefined\nexport type RefundCommand = {',
        ],
        ['const amount = wanted === null ? left :', 'const amount = wanted === null ? payment.capturedAmount :'],
        ["  if (amount > left) return { ok: false, code: 'already-refunded' }\n", ''],
      ],
    },
    async story(till) {
      const order = await paid(till)
      await till.refund(order)
      return told(() => till.refund(order), till)
    },
  },
  'a refund is decided once for each reason': {
    changes: {
      'payments/refunds.sql.ts': [
        ['on conflict (event_no, payment_id, reason, sequence) do nothing', ''],
        ['refund.sequence,\n      refund.amount', 'Math.floor(Math.random() * 1e6),\n      refund.amount'],
      ],
      'checkout/judge-payment.ts': [["    case 'refund_pending':\n", '']],
      'payments/payment.ts': [
        ["refund_pending: ['partly_refunded'", "refund_pending: ['refund_pending', 'partly_refunded'"],
      ],
    },
    async story(till) {
      const order = await late(till)
      await till.hold({ seatNos: order.seatNos })
      const charged = till.provider.confirm(order.ref, 'charge')
      await till.deliver(charged)
      await told(() => till.deliver(till.provider.tell('again', order.ref)), till)
      const { rows } = await till.db.query('select from holdfast.refunds')
      return rows.length > 1 ? [`${rows.length} refunds of one payment`] : []
    },
  },
  'the buyer’s newer cart is left alone where it does not help': {
    changes: {
      'checkout/late-places.ts': [
        ["isDone ? 'release savepoint reclaim' : 'rollback to savepoint reclaim'", "'release savepoint reclaim'"],
      ],
    },
    async story(till) {
      const order = await late(till)
      const newer = await till.hold({ seatNos: order.seatNos.slice(0, 1), userId: order.userId })
      await till.hold({ seatNos: order.seatNos.slice(1) })
      await till.deliver(till.provider.confirm(order.ref, 'charge'))
      const { reservation } = await till.state(newer)
      return reservation === 'pending_payment' ? [] : [`the cart is ${reservation} and nothing was gained`]
    },
  },
  'a refund may fail after it succeeded': {
    changes: {
      'payments/refunds.sql.ts': [
        [
          "(status = 'pending' or (status = 'succeeded' and $3::holdfast.refund_status = 'failed'))",
          "status = 'pending' and $3::holdfast.refund_status is not null",
        ],
      ],
    },
    async story(till) {
      const order = await paid(till)
      await till.refund(order)
      await turns(till.jobs.refunds)
      await till.deliver(till.provider.failRefund(order.ref))
      const { payment } = await till.state(order)
      return payment === 'refund_pending' ? [] : [`money is owed and the payment is ${payment}`]
    },
  },
  'a payment that nobody finished is looked at': {
    changes: {
      'checkout/settle-payment.ts': [
        ['await lookSooner(db, payment, retryLookMs)', 'await Promise.resolve(retryLookMs)'],
        [
          'nextLookAt: now + captureLookMs })\n  }\n\n  async function sell(',
          'nextLookAt: null })\n  }\n\n  async function sell(',
        ],
      ],
    },
    async story(till) {
      const order = await till.toPay()
      till.provider.trouble('capture', 'lost')
      await till.deliver(till.provider.confirm(order.ref, 'authorize'))
      for (let i = 0; i < 3; i++) {
        await till.advance(60_000)
        await turns(till.jobs.looks)
      }
      const { payment } = await till.state(order)
      return payment === 'captured' ? [] : [`the money is taken and the payment is ${payment}`]
    },
  },
}

const here = new URL('./till.ts', import.meta.url)

for (const [name, guard] of Object.entries(guards)) {
  test(`with it there is no harm: ${name}`, async () => {
    const { openTill } = (await import(here.href)) as typeof Till
    assert.deepEqual(await guard.story(await openTill()), [])
  })
  if (Object.keys(guard.changes).length > 0)
    test(`without it there is harm: ${name}`, async () => {
      const mutant = await importMutant<typeof Till>(here, guard.changes)
      assert.notDeepEqual(await guard.story(await mutant.openTill()), [])
    })
}

test('without it there is harm: an open payment keeps its seats from the sweeper', async () => {
  const { openTill } = (await import(here.href)) as typeof Till
  const till = await openTill()
  const { rows } = await till.db.query<{ text: string }>(
    `select pg_get_functiondef('holdfast.expire_due'::regproc) as text`,
  )
  await till.db.query(rows[0]!.text.replace('and r.reserved_at is null', ''))
  assert.notDeepEqual(await guards['an open payment keeps its seats from the sweeper']!.story(till), [])
})

async function paid(till: OpenTill) {
  const order = await till.toPay()
  await till.deliver(till.provider.confirm(order.ref, 'authorize'))
  return order
}

/** A payment whose hold has ended and whose places are free, open at a provider that does not answer. */
async function late(till: OpenTill) {
  const order = await till.toPay()
  await till.advance(661_000)
  till.provider.trouble('retrieve', 'away', 50)
  await turns(till.jobs.looks)
  till.provider.clearTroubles()
  return order
}

/** What went wrong on the way, and what the books say after. */
async function told(work: () => Promise<unknown>, till: OpenTill): Promise<string[]> {
  const harm: string[] = []
  await work().catch(error => harm.push((error as Error).message))
  const { rows } = await till.db.query<{ provider_event_id: string }>(
    `select provider_event_id from holdfast.payment_events where state = 'stored'`,
  )
  harm.push(...rows.map(row => `${row.provider_event_id} could not be settled`))
  await till.balances().catch(error => harm.push((error as Error).message))
  return harm
}

async function turns(job: { run(signal: AbortSignal): Promise<'more' | 'dry'> }): Promise<void> {
  while ((await job.run(new AbortController().signal)) === 'more');
}
