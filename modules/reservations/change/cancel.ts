import type { Database } from '#platform/postgres/database.ts'
import type { ChangeOutcome, ReservationStore } from '../ports.ts'
import { judgeCancellation } from '../reservation.ts'
import { endReservation } from './cancel.sql.ts'
import { lockReservation } from './lock-reservation.sql.ts'

/** Ends a live hold at its owner's wish and gives its places back. */
export function cancelReservation(
  db: Database,
  origin: string,
  command: Parameters<ReservationStore['cancel']>[0],
): Promise<ChangeOutcome> {
  return db.transaction(async tx => {
    const found = await lockReservation(tx, command.eventNo, command.reservationId)
    const judged = judgeCancellation(found, command)
    if (!judged.ok) return judged
    const { reservation, now } = found!
    const { revision, moved } = await endReservation(tx, { reservation, state: 'cancelled', now, origin })
    return { ok: true, reservation: { ...reservation, state: 'cancelled', revision }, now, moved }
  })
}
