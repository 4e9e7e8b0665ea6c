import type { Availability } from '#availability'
import type { Catalog } from '#catalog'
import type { Clock } from '#kernel/clock.ts'
import type { Random } from '#kernel/random.ts'
import type { Routes } from '#platform/http/server.ts'
import type { Job } from '#platform/jobs/periodic.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import { expiryJob } from './change/expiry-job.ts'
import { createHoldBatcher } from './hold/batch.ts'
import { createBestSeats } from './hold/best-seats.ts'
import { ClaimBoard } from './hold/claim-board.ts'
import { withHoldMetrics } from './hold/hold-metrics.ts'
import { createHoldSeats, type HoldSeats } from './hold/hold-seats.ts'
import { reservationRoutes, type SalePort } from './http.ts'
import type { ReservationStore } from './ports.ts'

export { endReservation } from './change/cancel.sql.ts'
export { expireDue } from './change/expire.sql.ts'
export { lockReservation } from './change/lock-reservation.sql.ts'
export { lockUnheldSeats } from './change/lock-unheld.sql.ts'
export { setSeatsAsideIn } from './change/set-aside.ts'
export type { SalePort } from './http.ts'
export { reservationMessages } from './messages.ts'
export { type PlaceOfReservation, placesOf } from './places.ts'
export type { ReservationRecord, ReservationStore, SeatChange } from './ports.ts'
export { createPostgresStore } from './postgres-store.ts'
export { prepareInventory } from './prepare-inventory.sql.ts'
export { stateAt } from './reservation.ts'
export { viewReservation } from './reservation-view.ts'
export { auditHouse } from './sell/manifest-audit.ts'
export { lockForReclaim, lockNewerHold, reclaimPlaces } from './sell/reclaim-places.sql.ts'
export { releaseReclaimed } from './sell/release-reclaimed.sql.ts'
export { reservePlaces } from './sell/reserve-places.sql.ts'
export { returnPlaces } from './sell/return-places.sql.ts'
export { sellPlaces } from './sell/sell-places.sql.ts'

export type ReservationsOptions = {
  store: ReservationStore
  catalog: Pick<Catalog, 'definitions'>
  availability: Availability
  /** Hold batches under way at once. */
  lanes: number
  /** See `HoldBatcherOptions`. */
  atEndOfTurn?: (work: () => void) => void
  /** What payment and tickets add; given by whoever composes the two. */
  sale: SalePort
  clock: Clock
  random: Random
  metrics: Metrics
  logger: Logger
}

export type Reservations = {
  routes: Routes
  jobs: readonly Job[]
  holdSeats: HoldSeats
  /** Many holds are waiting or under way: work that can wait should. */
  isBusy(): boolean
  /** Resolves when no hold is queued or under way. */
  drained(): Promise<void>
}

/** The only writer of seats, areas and reservations. */
export function createReservations(options: ReservationsOptions): Reservations {
  const { store, catalog, availability, lanes, atEndOfTurn, sale, clock, random, metrics, logger } = options
  const batcher = createHoldBatcher({ store, clock, metrics, logger, lanes, atEndOfTurn })
  const board = new ClaimBoard()
  const bestSeats = createBestSeats({ random })
  metrics.gauge('holdfast_seats_claimed', 'Seats claimed by holds that are queued or under way.', [], gauge =>
    gauge.set(board.size),
  )
  const holdSeats = withHoldMetrics(
    createHoldSeats({ catalog, availability, store, batcher, bestSeats, board, clock, random }),
    { clock, metrics },
  )
  return {
    routes: reservationRoutes({ holdSeats, turn: batcher.turn, store, catalog, availability, sale }),
    jobs: [expiryJob({ store, metrics })],
    holdSeats,
    isBusy: batcher.isBusy,
    drained: batcher.drained,
  }
}
