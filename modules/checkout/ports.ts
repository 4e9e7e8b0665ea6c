import type { Clock } from '#kernel/clock.ts'
import type { ReservationId, TicketId, UserId } from '#kernel/ids.ts'
import type { Random } from '#kernel/random.ts'
import type { PaymentProvider } from '#payments'
import type { Database, Tx } from '#platform/postgres/database.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { PlaceOfReservation, ReservationRecord } from '#reservations'

/** The provider behind its paced lane. */
export type PacedProvider = PaymentProvider & {
  /** How long a call queued now would wait, milliseconds. */
  waitMs(endpoint: 'create'): number
  /** Calls a second that one endpoint takes. */
  readonly perEndpoint: number
  breaker(): 'closed' | 'open' | 'half-open'
}

/** What a sale needs of the tickets module; each runs in the transaction that is given. */
export type TicketDesk = {
  issue(
    tx: Tx,
    sale: {
      eventNo: number
      reservationId: ReservationId
      userId: UserId
      holderName: string
      currency: string
      places: readonly PlaceOfReservation[]
      issuedAt: number
    },
  ): Promise<{ ticketId: TicketId; seatNo: number | null; amount: number }[]>
  /** Those that open a door, or did. */
  live(tx: Tx, eventNo: number, reservationId: ReservationId): Promise<LiveTicket[]>
  /** Voids these, which are live; all or, with an assertion, none. */
  void(
    tx: Tx,
    command: {
      eventNo: number
      reservationId: ReservationId
      ticketIds: readonly TicketId[]
      reason: string
      at: number
    },
  ): Promise<{ ticketId: TicketId; revision: number }[]>
}

export type LiveTicket = { ticketId: TicketId; seatNo: number | null; areaNo: number | null; amount: number }

export type CheckoutDeps = {
  /** A pool of its own: a sale's end must not wait behind those who browse. */
  db: Database
  provider: PacedProvider
  tickets: TicketDesk
  /** The places of a reservation with what stands on a ticket. */
  placesOf: (reservation: ReservationRecord) => Promise<PlaceOfReservation[]>
  /** Names the writer in the messages; not that of the process, so that its own feed brings it what happened to seats. */
  origin: string
  clock: Clock
  random: Random
  logger: Logger
  counts: CheckoutCounts
}

export type CheckoutCounts = {
  outcomes: { inc(labels: { provider: string; outcome: string; reason: string }): void }
  discrepancies: { inc(labels: { kind: string }): void }
  holdToPaid: { observe(seconds: number): void }
  settleLag: { observe(seconds: number): void }
  /** Events that no webhook had brought. */
  fetched: { inc(events: number): void }
}
