import type { ReservationId, UserId } from '#kernel/ids.ts'

/**
 * What the use cases need of a store. Two keep this promise, PostgreSQL and the memory twin, and one contract suite
 * (test/reservation-store.contract.ts) holds both to it:
 *
 * - Every method is one transaction: all of its effects or none, and its messages with them.
 * - Time is the store's own clock, read after the locks that matter.
 * - Lock order everywhere: reservations by (event, user), seats by number, areas, then inserts by (event, user).
 * - A method throws RetryableFault when nothing was done, OutcomeUnknown when that cannot be said. `holdBatch` may then be
 *   called again with the same ids: the unique keys decide.
 */
export interface ReservationStore {
  /**
   * Decides many holds at once. Requests must be sorted by (eventNo, userId), one a user and event, and no two may name the
   * same seat; areas may be shared and go first come, first served in the order of `arrival`.
   */
  holdBatch(requests: readonly HoldRequest[]): Promise<HoldBatchAnswer>
  find(eventNo: number, reservationId: ReservationId): Promise<{ reservation: ReservationRecord; now: number } | null>
  listOfUser(
    userId: UserId,
    page: { limit: number; before?: ReservationId },
  ): Promise<{ reservations: ReservationRecord[]; now: number }>
  extend(command: {
    eventNo: number
    reservationId: ReservationId
    userId: UserId
    extensionSeconds: number
  }): Promise<ChangeOutcome>
  cancel(command: { eventNo: number; reservationId: ReservationId; userId: UserId }): Promise<ChangeOutcome>
  /** Ends up to `limit` reservations that have run out; returns how many. Skips what others work on. */
  expireDue(limit: number): Promise<number>
  /** Sets seats aside for a reason, or back on sale. Seats that have a holder are refused, never taken. */
  setAside(command: {
    eventNo: number
    seatNos: number[]
    change: { blocked: string } | { available: true }
  }): Promise<{
    changed: SeatChange[]
    refused: { seatNo: number; status: SeatStatus }[]
  }>
}

export const seatStatuses = ['available', 'held', 'reserved', 'sold', 'blocked'] as const
export type SeatStatus = (typeof seatStatuses)[number]

export type ReservationState = 'pending_payment' | 'confirmed' | 'expired' | 'cancelled'

export type SeatItem = { seatNo: number; level: number; amount: number }
/** `amount` is the price of one place. */
export type AreaItem = { areaNo: number; quantity: number; level: number; amount: number }

export type HoldRequest = {
  eventNo: number
  userId: UserId
  reservationId: ReservationId
  /** 16 bytes of SHA-256 in hex: of the idempotency key, and of the validated body. */
  keyHash: string
  requestHash: string
  /** The version of the event that rules and prices were taken from. */
  eventVersion: number
  seats: readonly SeatItem[]
  areas: readonly AreaItem[]
  quantity: number
  amount: number
  currency: string
  ticketLimit: number
  holdSeconds: number
  extensions: number
  /** The user's live hold that this one takes the place of. */
  replaces: ReservationId | null
  /** Only look whether this is a repetition or the user has a hold; write nothing. */
  probe: boolean
  /** Position in the order of arrival. */
  arrival: number
}

export type HoldBatchAnswer = {
  /** Database time that the batch was judged by, milliseconds since 1970. */
  judgedAt: number
  /** In the order of the requests. */
  outcomes: HoldOutcome[]
}

export type HoldOutcome =
  | { kind: 'held'; createdAt: number; expiresAt: number; extensionsLeft: number; generations: number[] }
  | { kind: 'replayed'; reservationId: ReservationId }
  | { kind: 'key-reused' }
  | { kind: 'event-changed' }
  | { kind: 'event-not-found' }
  | { kind: 'not-on-sale' }
  | { kind: 'sales-closed' }
  | { kind: 'ticket-limit-exceeded' }
  | { kind: 'reservation-exists'; reservationId: ReservationId }
  | { kind: 'taken'; seatNos: number[] }
  | { kind: 'busy' }
  | { kind: 'capacity'; areaNo: number; available: number }
  /** Met a row that could not be seen yet: ask again in the next batch. */
  | { kind: 'again' }
  | { kind: 'nothing-to-replace' }
  | { kind: 'replaced-has-ended' }
  | { kind: 'replaced-is-being-paid' }
  /** A probe found neither a repetition nor a live hold. */
  | { kind: 'clear' }

/**
 * A reservation as stored. `state` is as written: a pending one whose `expiresAt` has passed counts as expired, unless its
 * payment is open (`reservedAt`): that does not run out by itself.
 */
export type ReservationRecord = {
  eventNo: number
  reservationId: ReservationId
  userId: UserId
  state: ReservationState
  revision: number
  extensionsLeft: number
  createdAt: number
  expiresAt: number
  /** When its payment was opened, until it ends; null before. */
  reservedAt: number | null
  amount: number
  currency: string
  seats: SeatItem[]
  areas: AreaItem[]
  /** As first answered, for a repeated request. */
  initial: { expiresAt: number; extensionsLeft: number }
}

export type SeatChange = { seatNo: number; generation: number }

export type ChangeOutcome =
  | { ok: true; reservation: ReservationRecord; now: number /** Seats whose row changed. */; moved: SeatChange[] }
  | {
      ok: false
      code:
        | 'not-found'
        | 'reservation-expired'
        | 'already-cancelled'
        | 'already-confirmed'
        | 'no-extensions-left'
        | 'payment-in-progress'
      now: number
    }
