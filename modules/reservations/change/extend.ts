import type { Database } from '#platform/postgres/database.ts'
import type { ChangeOutcome, ReservationStore } from '../ports.ts'
import { judgeExtension } from '../reservation.ts'
import { moveEnd } from './extend.sql.ts'
import { lockReservation } from './lock-reservation.sql.ts'

/** Gives a live hold more time. */
export function extendReservation(
  db: Database,
  origin: string,
  command: Parameters<ReservationStore['extend']>[0],
): Promise<ChangeOutcome> {
  return db.transaction(async tx => {
    const found = await lockReservation(tx, command.eventNo, command.reservationId)
    const judged = judgeExtension(found, command)
    if (!judged.ok) return judged
    const { reservation, now } = found!
    const { expiresAt, extensionsLeft } = judged
    const moved = await moveEnd(tx, { reservation, expiresAt, now, origin })
    // In time by the clock, and yet somebody has one of its seats: the clock was set back. They have it, this has ended.
    if (moved === null) return { ok: false, code: 'reservation-expired', now }
    const extended = { ...reservation, expiresAt, extensionsLeft, revision: reservation.revision + 1 }
    return { ok: true, reservation: extended, now, moved }
  })
}
