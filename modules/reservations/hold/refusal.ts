import type { EventDefinition } from '#catalog'
import type { ReservationId } from '#kernel/ids.ts'

/** Every way in which a hold is refused; the codes are those of contracts/problems.ts. */
export type HoldRefusal = { ok: false } & (
  | {
      code:
        | 'event-not-found'
        | 'not-found'
        | 'idempotency-key-reused'
        | 'sales-closed'
        | 'reservation-expired'
        | 'payment-in-progress'
        | 'no-match'
    }
  | { code: 'not-on-sale'; definition: EventDefinition }
  | { code: 'unknown-seats'; seatIds: string[] }
  | { code: 'unknown-areas'; areaIds: string[] }
  | { code: 'ticket-limit-exceeded'; limit: number }
  | { code: 'reservation-exists'; reservationId: ReservationId }
  | { code: 'seats-unavailable'; seatIds: string[] }
  | { code: 'capacity-unavailable'; areaId: string; available: number }
  | { code: 'seat-rule'; seatIds: string[] }
)

export function seatsUnavailable(definition: EventDefinition, seatNos: readonly number[]): HoldRefusal {
  return { ok: false, code: 'seats-unavailable', seatIds: seatIdsOf(definition, seatNos) }
}

export function seatIdsOf(definition: EventDefinition, seatNos: readonly number[]): string[] {
  return seatNos.map(seatNo => definition.seatMap.seatIdOf(seatNo))
}
