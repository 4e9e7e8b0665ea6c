import type { FastifyRequest } from 'fastify'
import type { Reservation } from '#contracts/reservations.ts'
import type { Clock } from '#kernel/clock.ts'
import type { ReservationId } from '#kernel/ids.ts'
import type { Random } from '#kernel/random.ts'
import type { Routes } from '#platform/http/server.ts'
import type { Idempotently } from '#platform/idempotency/index.ts'
import type { Job } from '#platform/jobs/periodic.ts'
import type { Database, Tx } from '#platform/postgres/database.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { ReservationRecord, SalePort } from '#reservations'
import { createCancelCheckout } from './cancel-checkout.ts'
import { carryOutRefundsJob, createSettleRefund } from './carry-out-refunds.ts'
import { checkoutMetrics } from './checkout-metrics.ts'
import { createDescribeSale, type TicketLabel } from './describe-sale.ts'
import { checkoutRoutes } from './http.ts'
import { lookAtPaymentsJob } from './look-at-payments.ts'
import { createOpenCheckout, type OpenCheckout, waitMaxMs } from './open-checkout.ts'
import { PayTurns } from './pay-turns.ts'
import type { PacedProvider, TicketDesk } from './ports.ts'
import { reconcileJob } from './reconcile.ts'
import { decideRefund, type RefundAnswer, type RefundCommand } from './refund.ts'
import { ReservationStreams } from './reservation-streams.ts'
import { settleEventsJob } from './settle-events.ts'
import { createSettlePayment } from './settle-payment.ts'

export { countMoney, type MoneyCounts } from './audit-money.sql.ts'
export { findLostSales, type LostSales } from './find-lost-sales.ts'
export { checkoutMessages } from './messages.ts'
export type { PacedProvider, TicketDesk } from './ports.ts'

export type CheckoutOptions = {
  db: Database
  provider: PacedProvider
  tickets: TicketDesk
  ticketsOf: (eventNo: number, reservationId: ReservationId) => Promise<TicketLabel[]>
  placesOf: Parameters<typeof createSettlePayment>[0]['placesOf']
  holdPolicyOf: (eventNo: number) => Promise<{ extensionSeconds: number }>
  isChargeable: (amount: number, currency: string) => boolean
  accessUrlOf: (reservationId: ReservationId) => string
  opensReservation: (reservationId: ReservationId, access: string) => boolean
  /** The reservation as the world sees it, and the same if this request may read it. */
  viewReservation: (eventNo: number, reservationId: ReservationId) => Promise<Reservation | null>
  readable: (request: FastifyRequest, reservationId: ReservationId) => Promise<Reservation | null>
  idempotently: Idempotently
  origin: string
  clock: Clock
  random: Random
  metrics: Metrics
  logger: Logger
}

export type Checkout = {
  routes: Routes
  /** Settle, look, refund, reconcile. */
  jobs: readonly Job[]
  /** Of the processes that serve buyers. */
  streamJobs: readonly Job[]
  sale: SalePort
  /** What the routes call, for whoever comes without HTTP. */
  openCheckout: OpenCheckout
  decideRefund: (tx: Tx, command: RefundCommand) => Promise<RefundAnswer>
  describe(record: ReservationRecord): Promise<Pick<Reservation, 'payment' | 'tickets' | 'access_url'>>
  /** Something came into the inbox. */
  onStored(): void
}

/** Buyers try so many cards; their browsers ask the provider under the same limit as we do. */
const cardsEach = 1.2

/** From a hold to a paid ticket and back: the one consistency boundary of money and seats. */
export function createCheckout(options: CheckoutOptions): Checkout {
  const { db, provider, tickets, idempotently, metrics } = options
  const deps = { ...options, counts: checkoutMetrics(metrics) }
  const settle = createSettlePayment(deps)
  const settleRefund = createSettleRefund(deps)
  const settleEvents = settleEventsJob({ ...deps, settle, settleRefund })
  const streams = new ReservationStreams({ db, view: options.viewReservation })
  const describe = createDescribeSale({ db, ticketsOf: options.ticketsOf, accessUrlOf: options.accessUrlOf })
  const perSecond = provider.perEndpoint / cardsEach
  const turns = new PayTurns({ clock: options.clock, perSecond, waitMaxMs })
  metrics.gauge('holdfast_pay_turns_waiting', 'Buyers who were given a time to come back and pay.', [], gauge =>
    gauge.set(turns.waiting),
  )
  metrics.gauge('holdfast_reservation_streams', 'Reservations that somebody watches.', [], gauge =>
    gauge.set(streams.size),
  )
  const openCheckout = createOpenCheckout({ ...deps, turns })
  const decideRefundOf = (tx: Tx, command: RefundCommand) => decideRefund(tx, { ...deps, tickets }, command)
  return {
    openCheckout,
    decideRefund: decideRefundOf,
    routes: checkoutRoutes({
      openCheckout,
      decideRefund: decideRefundOf,
      provider,
      idempotently,
      streams,
      accessUrlOf: options.accessUrlOf,
      readable: options.readable,
    }),
    jobs: [
      settleEvents,
      lookAtPaymentsJob({ ...deps, settle }),
      carryOutRefundsJob({ ...deps, settleRefund }),
      reconcileJob({ ...deps, settle, onStored: () => settleEvents.poke() }),
    ],
    streamJobs: [streams.job()],
    sale: {
      describe,
      cancel: createCancelCheckout({ ...deps, settle }),
      opens: options.opensReservation,
    },
    describe,
    onStored: () => settleEvents.poke(),
  }
}
