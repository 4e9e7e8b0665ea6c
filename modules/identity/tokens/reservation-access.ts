import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { ReservationId } from '#kernel/ids.ts'
import type { TokenKey } from './access-token.ts'

/**
 * The text in an `access_url`: a capability for one reservation and its tickets, for a guest whose token is gone. Nothing is stored;
 * whoever has the text may read, so it stands in the buyer's mail and in their own confirmed reservation and nowhere else.
 */
export type ReservationAccess = {
  textOf(reservationId: ReservationId): string
  opens(reservationId: ReservationId, text: string): boolean
}

/** @param keys the first one makes, all of them open */
export function createReservationAccess(keys: readonly TokenKey[]): ReservationAccess {
  // The purpose in front keeps this from ever being the signature of a token.
  const mac = (secret: KeyObject, reservationId: ReservationId) =>
    createHmac('sha256', secret).update(`reservation-access ${reservationId}`).digest().subarray(0, 24)
  return {
    textOf: reservationId => mac(keys[0]!.secret, reservationId).toString('base64url'),
    opens(reservationId, text) {
      const given = Buffer.from(text, 'base64url')
      return given.length === 24 && keys.some(key => timingSafeEqual(mac(key.secret, reservationId), given))
    },
  }
}
