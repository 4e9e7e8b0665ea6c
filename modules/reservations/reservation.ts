import type { UserId } from '#kernel/ids.ts'
import type { ChangeOutcome, ReservationRecord, ReservationState } from './ports.ts'

/** `expired -> confirmed` is a late payment's reclaim, once. Nothing else leaves a terminal state. */
export const reservationTransitions: Record<ReservationState, readonly ReservationState[]> = {
  pending_payment: ['confirmed', 'expired', 'cancelled'],
  confirmed: [],
  expired: ['confirmed'],
  cancelled: [],
}

/**
 * The state the world sees at `now`, database time: expiry is final, swept or not. With a payment open it waits for the
 * provider's answer.
 */
export function stateAt(
  { state, expiresAt, reservedAt }: Pick<ReservationRecord, 'state' | 'expiresAt' | 'reservedAt'>,
  now: number,
): ReservationState {
  return state === 'pending_payment' && expiresAt <= now && reservedAt === null ? 'expired' : state
}

type Found = { reservation: ReservationRecord; now: number }
type Refused = Extract<ChangeOutcome, { ok: false }>

/** Whether a locked reservation may be extended; with its new end, counted from the old one. `now` was read under the lock. */
export function judgeExtension(
  found: Found | null,
  { userId, extensionSeconds }: { userId: UserId; extensionSeconds: number },
): Refused | { ok: true; expiresAt: number; extensionsLeft: number } {
  const refused = refuseUnlessLive(found, userId)
  if (refused !== null) return refused
  const { reservation, now } = found!
  if (reservation.extensionsLeft === 0) return { ok: false, code: 'no-extensions-left', now }
  return {
    ok: true,
    expiresAt: reservation.expiresAt + extensionSeconds * 1000,
    extensionsLeft: reservation.extensionsLeft - 1,
  }
}

/** Whether a locked reservation may be cancelled by this user. */
export function judgeCancellation(found: Found | null, { userId }: { userId: UserId }): Refused | { ok: true } {
  return refuseUnlessLive(found, userId) ?? { ok: true }
}

function refuseUnlessLive(found: Found | null, userId: UserId): Refused | null {
  if (found === null || found.reservation.userId !== userId)
    return { ok: false, code: 'not-found', now: found?.now ?? 0 }
  const { reservation, now } = found
  switch (stateAt(reservation, now)) {
    case 'pending_payment':
      return reservation.reservedAt === null ? null : { ok: false, code: 'payment-in-progress', now }
    case 'confirmed':
      return { ok: false, code: 'already-confirmed', now }
    case 'cancelled':
      return { ok: false, code: 'already-cancelled', now }
    case 'expired':
      return { ok: false, code: 'reservation-expired', now }
  }
}
