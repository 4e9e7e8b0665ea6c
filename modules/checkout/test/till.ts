import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock as clock } from '#kernel/clock.ts'
import { newId, type ReservationId, toUuid, type UserId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { findPaymentOf, type PaymentRecord, type ProviderEvent, storeEvents } from '#payments'
import type { Job } from '#platform/jobs/periodic.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { createLogger } from '#platform/telemetry/logger.ts'
import {
  auditHouse,
  createPostgresStore,
  type PlaceOfReservation,
  prepareInventory,
  type ReservationRecord,
} from '#reservations'
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
import { PlayedProvider } from './played-provider.ts'

/** A till: PostgreSQL with one event, a played provider, and everything of checkout between the two. Each has a database of its own. */
export async function openTill({ seats = 200, areas = [50] as number[] } = {}) {
  const random = systemRandom()
  const signingKeys = await loadSigningKeys({ folder: await mkdtemp(join(tmpdir(), 'holdfast-keys-')), random })
  const database = await testDatabase({ max: 16 })
  const { db, advance } = database
  const provider = new PlayedProvider({ clock, random })
  const origin = randomUUID()
  const store = createPostgresStore({ db, origin: randomUUID() })
  const outcomes: Record<string, number> = {}
  const count = (name: string) => {
    outcomes[name] = (outcomes[name] ?? 0) + 1
  }
  const deps = {
    db,
    provider,
    tickets: ticketDesk({ clock, random, currentKey: () => signingKeys.current }),
    placesOf: async (record: ReservationRecord): Promise<PlaceOfReservation[]> => [
      ...record.seats.map(({ seatNo, level, amount }) => ({
        kind: 'seat' as const,
        seatNo,
        section: 'A',
        row: '1',
        number: String(seatNo),
        priceLevel: level,
        amount,
      })),
      ...record.areas.map(({ areaNo, quantity, level, amount }) => ({
        kind: 'area' as const,
        areaNo,
        areaId: 'FLOOR',
        quantity,
        priceLevel: level,
        amount,
      })),
    ],
    holdPolicyOf: async () => ({ extensionSeconds: 300 }),
    isChargeable: (amount: number) => amount >= 50,
    turns: new PayTurns({ clock, perSecond: 25, waitMaxMs }),
    origin,
    clock,
    random,
    logger: createLogger('silent'),
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

  async function anEvent(latePayment: 'reclaim' | 'refund' = 'reclaim'): Promise<number> {
    const { rows } = await db.query<{ event_no: number }>(
      `with venue as (
         insert into holdfast.venues (venue_id, name, city, country, timezone)
         values (gen_random_uuid(), 'Hall', 'Bern', 'CH', 'Europe/Zurich') returning venue_id
       ), map as (
         insert into holdfast.seatmaps (seatmap_id, venue_id, version, name, seat_count, area_count, geometry_hash, geometry)
         select gen_random_uuid(), venue_id, 1, 'Hall', $2, 1, sha256('hall'), '' from venue returning seatmap_id, venue_id
       )
       insert into holdfast.events (event_id, venue_id, seatmap_id, status, slug, name, starts_at, currency, ticket_limit,
         hold_policy, late_payment, place)
       select gen_random_uuid(), venue_id, seatmap_id, 'onsale', 'night-' || floor(random() * 1e9), 'Night', '2031-01-01', 'EUR', 50, '{}',
         $1, 'Bern'
       from map
       returning event_no`,
      [latePayment, seats],
    )
    const made = rows[0]!.event_no
    await db.transaction(tx =>
      prepareInventory(tx, {
        eventNo: made,
        seatCount: seats,
        areas: areas.map((capacity, areaNo) => ({ areaNo, areaId: `FLOOR${areaNo}`, capacity })),
      }),
    )
    return made
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
    assert.equal(held[0]!.kind, 'held', JSON.stringify(held[0]))
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

  async function state({ eventNo: of, reservationId, seatNos }: Order) {
    const found = await store.find(of, reservationId)
    const payment = await findPaymentOf(db, of, reservationId)
    const { rows: places } = await db.query<{ status: string }>(
      'select status from holdfast.seats where event_no = $1 and seat_no = any ($2) and (reservation_id = $3 or reservation_id is null)',
      [of, seatNos, toUuid(reservationId)],
    )
    const { rows: tickets } = await db.query<{ n: number }>(
      `select count(*)::int4 as n from holdfast.tickets where event_no = $1 and reservation_id = $2 and status = 'valid'`,
      [of, toUuid(reservationId)],
    )
    return {
      reservation: found!.reservation.state,
      payment: payment?.status ?? null,
      seats: places.map(place => place.status),
      tickets: tickets[0]!.n,
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

export const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/** Turns of a job until it finds nothing more. */
export async function turn(job: Job): Promise<void> {
  while ((await job.run(new AbortController().signal)) === 'more');
}
