import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newId, type ReservationId, type UserId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { findPaymentOf, type PaymentRecord, type ProviderEvent, storeEvents } from '#payments'
import type { Job } from '#platform/jobs/periodic.ts'
import { createLogger } from '#platform/telemetry/logger.ts'
import { auditHouse, type ReservationRecord, type ReservationStore } from '#reservations'
import { plainPlaces } from '#reservations/memory'
import { loadSigningKeys, ticketDesk } from '#tickets'
import { countMoney, type MoneyCounts } from '../audit-money.sql.ts'
import { createCancelCheckout } from '../cancel-checkout.ts'
import { carryOutRefundsJob, createSettleRefund } from '../carry-out-refunds.ts'
import { lookAtPaymentsJob } from '../look-at-payments.ts'
import { type CheckoutAnswer, createOpenCheckout, waitMaxMs } from '../open-checkout.ts'
import { PayTurns } from '../pay-turns.ts'
import { reconcileJob } from '../reconcile.ts'
import { decideRefund } from '../refund.ts'
import { settleEventsJob } from '../settle-events.ts'
import { createSettlePayment } from '../settle-payment.ts'
import { type Backend, postgresBackend } from './backends.ts'
import { PlayedProvider } from './played-provider.ts'

/** A till: PostgreSQL with one event, a played provider, and everything of checkout between the two. Each has a database of its own. */
export async function openTill({
  seats = 200,
  areas = [50] as number[],
  on = postgresBackend as () => Backend | Promise<Backend>,
  /** How many payments a job works on side by side; absent: as in the product. */
  atOnce = undefined as number | undefined,
} = {}) {
  const random = systemRandom()
  const signingKeys = await loadSigningKeys({ folder: await mkdtemp(join(tmpdir(), 'holdfast-keys-')), random })
  const backend = await on()
  const { db, store, clock, advance } = backend
  const provider = new PlayedProvider({ clock, random })
  const origin = randomUUID()
  const outcomes: Record<string, number> = {}
  const count = (name: string) => {
    outcomes[name] = (outcomes[name] ?? 0) + 1
  }
  const deps = {
    db,
    provider,
    tickets: ticketDesk({ clock, random, currentKey: () => signingKeys.current }),
    placesOf: async (record: ReservationRecord) => plainPlaces(record),
    holdPolicyOf: async () => ({ extensionSeconds: 300 }),
    isChargeable: (amount: number) => amount >= 50,
    turns: new PayTurns({ clock, perSecond: 25, waitMaxMs }),
    origin,
    clock,
    random,
    logger: createLogger('silent'),
    ...(atOnce !== undefined && { atOnce }),
    counts: {
      outcomes: { inc: ({ outcome }: { outcome: string }) => count(outcome) },
      discrepancies: { inc: ({ kind }: { kind: string }) => count(`discrepancy ${kind}`) },
      holdToPaid: { observe: () => {} },
      settleLag: { observe: () => {} },
      fetched: { inc: () => {} },
    },
  }
  const settle = createSettlePayment(deps)
  const settleRefund = createSettleRefund(deps)
  const openCheckout = createOpenCheckout(deps)
  const cancelCheckout = createCancelCheckout({ ...deps, settle })
  const events = settleEventsJob({ ...deps, settle, settleRefund })
  const jobs = {
    events,
    looks: lookAtPaymentsJob({ ...deps, settle }),
    refunds: carryOutRefundsJob({ ...deps, settleRefund }),
    reconcile: reconcileJob({ ...deps, settle, onStored: () => {} }),
  }
  const eventNo = await anEvent()

  function anEvent(latePayment: 'reclaim' | 'refund' = 'reclaim'): Promise<number> {
    return backend.anEvent({ seats, areas, latePayment })
  }

  let nextSeat = 0
  type Order = { eventNo: number; reservationId: ReservationId; userId: UserId; seatNos: number[] }

  async function hold(
    wish: { seatNos?: number[]; seats?: number; places?: number; userId?: UserId; free?: boolean; event?: number } = {},
  ): Promise<Order> {
    const {
      seats: wanted = wish.places === undefined ? 2 : 0,
      places = 0,
      userId = newId('usr', { clock, random }),
    } = wish
    const seatNos = wish.seatNos ?? Array.from({ length: wanted }, () => nextSeat++)
    const event = wish.event ?? eventNo
    const price = wish.free ? 0 : 2500
    const reservationId = newId('rsv', { clock, random }, event)
    const { outcomes: held } = await store.holdBatch([
      {
        eventNo: event,
        userId,
        reservationId,
        keyHash: randomUUID().replaceAll('-', ''),
        requestHash: randomUUID().replaceAll('-', ''),
        eventVersion: 1,
        seats: seatNos.map(seatNo => ({ seatNo, level: 0, amount: price })),
        areas: places === 0 ? [] : [{ areaNo: 0, quantity: places, level: 0, amount: price }],
        quantity: seatNos.length + places,
        amount: price * (seatNos.length + places),
        currency: 'EUR',
        ticketLimit: 50,
        holdSeconds: 600,
        extensions: 1,
        replaces: null,
        probe: false,
        arrival: 0,
      },
    ])
    if (held[0]!.kind !== 'held') throw new HoldRefused(held[0]!)
    return { eventNo: event, reservationId, userId, seatNos }
  }

  const checkOut = (order: Order): Promise<CheckoutAnswer> =>
    openCheckout({ ...order, email: 'ada@example.org', name: 'Ada', traceparent })

  /** A hold with an open payment; fails unless the provider has an intent. */
  async function toPay(
    wish: Parameters<typeof hold>[0] = {},
  ): Promise<Order & { ref: string; payment: PaymentRecord }> {
    const order = await hold(wish)
    const answer = await checkOut(order)
    assert.equal(answer.kind, 'ready')
    const { intent, payment } = answer as Extract<CheckoutAnswer, { kind: 'ready' }>
    return { ...order, ref: intent.ref, payment }
  }

  async function deliver(...told: ProviderEvent[]): Promise<void> {
    for (const event of told) await storeEvents(db, 'stripe', 'webhook', [event])
    await turn(jobs.events)
  }

  async function state(order: Order) {
    const { eventNo: of, reservationId } = order
    const found = await store.find(of, reservationId)
    const payment = await findPaymentOf(db, of, reservationId)
    return {
      reservation: found!.reservation.state,
      payment: payment?.status ?? null,
      seats: await backend.seatsOf(order),
      tickets: await backend.validTickets(order),
    }
  }

  /** Nothing is oversold, nothing contradicts anything, and the money that was taken is the tickets' and the refunds'. */
  async function balances(of = eventNo): Promise<MoneyCounts> {
    const house = await auditHouse(db, of)
    const money = await countMoney(db, of)
    assert.equal(house!.oversold, 0)
    assert.deepEqual(house!.discrepancies, [])
    assert.deepEqual(
      money.discrepancies.filter(found => found.kind !== 'quarantined-payment'),
      [],
    )
    return money
  }

  return {
    db,
    advance,
    close: backend.close,
    provider,
    store,
    settle,
    jobs,
    outcomes,
    eventNo,
    anEvent,
    hold,
    checkOut,
    toPay,
    deliver,
    state,
    balances,
    cancel: cancelCheckout,
    refund: (order: Order, tickets?: string[]) =>
      db.transaction(tx =>
        decideRefund(tx, deps, {
          ...order,
          reason: 'ill',
          requestedBy: order.userId,
          ...(tickets !== undefined && { ticketIds: tickets as never }),
        }),
      ),
    deps,
  }
}

type HoldOutcome = Awaited<ReturnType<ReservationStore['holdBatch']>>['outcomes'][number]

/** What a buyer is told instead of their places. */
export class HoldRefused extends Error {
  readonly kind: HoldOutcome['kind']
  constructor(outcome: HoldOutcome) {
    super(JSON.stringify(outcome))
    this.kind = outcome.kind
  }
}

/** For a catch: a seat that is another's is an answer; whatever else goes wrong is not. */
export function refusedOnly(error: unknown): undefined {
  if (!(error instanceof HoldRefused)) throw error
}

export const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/** Turns of a job until it finds nothing more. */
export async function turn(job: Job): Promise<void> {
  while ((await job.run(new AbortController().signal)) === 'more');
}
