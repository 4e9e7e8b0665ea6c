import type { EventSeats } from '#availability'
import type { Catalog, EventDefinition } from '#catalog'
import type { Clock } from '#kernel/clock.ts'
import { RetryableFault } from '#kernel/faults.ts'
import type { HoldOutcome, HoldRequest, ReservationRecord, ReservationStore, SeatItem } from '../ports.ts'
import type { HoldAnswer, HoldCommand } from './hold-seats.ts'
import { seatsUnavailable } from './refusal.ts'

/** How often, and how long, a hold that meets busy seats is tried again before they count as taken. */
const busyTriesMax = 3
const busyMsMax = 250

export type BusyTally = { tries: number; firstAt: number }

export type Attempt = {
  command: HoldCommand
  key: { keyHash: string; requestHash: string }
  definition: EventDefinition
  seats: EventSeats
  arrival: number
  /** How often it was begun again. */
  tries: number
  busySince: BusyTally
  /** Seats that earlier attempts found taken, which memory may not know yet: the best available are others. */
  lost: ReadonlySet<number>
}

/** A busy seat is not a taken seat: somebody's transaction decides about it right now. */
function isPatient(busy: BusyTally, now: number): boolean {
  if (busy.tries === 0) busy.firstAt = now
  busy.tries++
  return busy.tries <= busyTriesMax && now - busy.firstAt < busyMsMax
}

/** `again`: it met something passing. `event-changed`: what we know of the event is old. */
export type Tried = HoldAnswer | 'again' | 'event-changed'

/** What the database's word on a request is to the one who asked. */
export async function answerTo(
  outcome: HoldOutcome,
  { attempt, request }: { attempt: Attempt; request: HoldRequest },
  deps: { catalog: Pick<Catalog, 'definitions'>; store: Pick<ReservationStore, 'find'>; clock: Clock },
): Promise<Tried> {
  const { catalog, store, clock } = deps
  const { definition, seats, command } = attempt
  switch (outcome.kind) {
    case 'held':
      return {
        ok: true,
        definition,
        replayed: false,
        now: outcome.createdAt,
        reservation: recordOf(request, outcome),
      }
    case 'replayed': {
      seats.users.add(command.userId)
      const found = await store.find(definition.eventNo, outcome.reservationId)
      if (found === null) return 'again'
      const { initial } = found.reservation
      const asFirstGiven = { ...found.reservation, ...initial, state: 'pending_payment' as const }
      return {
        ok: true,
        definition,
        reservation: asFirstGiven,
        now: found.now,
        replayed: outcome.reservationId !== request.reservationId,
      }
    }
    case 'key-reused':
      return { ok: false, code: 'idempotency-key-reused' }
    case 'event-not-found':
      return { ok: false, code: 'event-not-found' }
    case 'event-changed':
      return 'event-changed'
    case 'not-on-sale':
      return {
        ok: false,
        code: 'not-on-sale',
        definition: (await catalog.definitions.refresh(definition.eventNo)) ?? definition,
      }
    case 'sales-closed':
      return { ok: false, code: 'sales-closed' }
    case 'ticket-limit-exceeded':
      return { ok: false, code: 'ticket-limit-exceeded', limit: definition.ticketLimit }
    case 'reservation-exists':
      seats.users.add(command.userId)
      return { ok: false, code: 'reservation-exists', reservationId: outcome.reservationId }
    case 'nothing-to-replace':
      return { ok: false, code: 'not-found' }
    case 'replaced-has-ended':
      return { ok: false, code: 'reservation-expired' }
    case 'replaced-is-being-paid':
      return { ok: false, code: 'payment-in-progress' }
    case 'taken':
      if (!command.body.best_available) return seatsUnavailable(definition, outcome.seatNos)
      attempt.lost = new Set([...attempt.lost, ...outcome.seatNos])
      return 'again'
    case 'busy':
      return isPatient(attempt.busySince, clock.monotonic()) || command.body.best_available
        ? 'again'
        : seatsUnavailable(
            definition,
            request.seats.map(seat => seat.seatNo),
          )
    case 'capacity':
      return {
        ok: false,
        code: 'capacity-unavailable',
        areaId: definition.seatMap.areas[outcome.areaNo]!.areaId,
        available: outcome.available,
      }
    case 'again':
      return 'again'
    case 'clear':
      throw new RetryableFault('a probe was answered where a hold was asked')
  }
}

function recordOf(request: HoldRequest, held: Extract<HoldOutcome, { kind: 'held' }>): ReservationRecord {
  const { expiresAt, extensionsLeft } = held
  return {
    eventNo: request.eventNo,
    reservationId: request.reservationId,
    userId: request.userId,
    state: 'pending_payment',
    revision: 1,
    extensionsLeft,
    createdAt: held.createdAt,
    expiresAt,
    reservedAt: null,
    amount: request.amount,
    currency: request.currency,
    seats: request.seats as SeatItem[],
    areas: [...request.areas],
    initial: { expiresAt, extensionsLeft },
  }
}
