import type { Database, Tx } from '#platform/postgres/database.ts'
import {
  endReservation,
  expireDue,
  lockForReclaim,
  lockNewerHold,
  lockReservation,
  type ReservationRecord,
  reclaimPlaces,
  releaseReclaimed,
} from '#reservations'

export type Reclaimed = 'reclaimed' | 'gone'

/**
 * Takes the places of an expired, locked reservation back for a late payment, all or none. The buyer's own newer hold gives way if
 * that is what it takes; if even then not all are to be had, it is left as it was.
 */
export async function reclaim(
  tx: Tx,
  { reservation, now, origin }: { reservation: ReservationRecord; now: number; origin: string },
): Promise<Reclaimed> {
  const newer = await lockNewerHold(tx, reservation)
  const shares = newer !== null && sharesPlaces(reservation, newer)
  const needsSeats = newer !== null && sharesSeats(reservation, newer)
  if (!needsSeats && (await orUndo(tx, () => reclaimPlaces(tx, { reservation, now, origin })))) return 'reclaimed'
  if (!shares) return 'gone'
  const isBack = await orUndo(tx, async () => {
    await lockForReclaim(tx, { reservation, newer, now })
    const found = await lockReservation(tx, reservation.eventNo, newer.reservationId)
    await endReservation(tx, { reservation: found!.reservation, state: 'cancelled', now, origin })
    return reclaimPlaces(tx, { reservation, now, origin })
  })
  return isBack ? 'reclaimed' : 'gone'
}

/**
 * Places of areas come back to their counter when a hold that has run out is swept, where a seat can be had at once. Before a late
 * payment is told that its places are gone, what has run out is swept.
 */
export async function sweepRunOut(db: Database, origin: string): Promise<void> {
  const atOnce = 500
  while ((await expireDue(db, origin, atOnce)) === atOnce);
}

/** The places of a payment that comes to nothing are free again, held in time or reclaimed. */
export async function freePlaces(
  tx: Tx,
  options: { reservation: ReservationRecord; now: number; state: 'expired' | 'cancelled'; origin: string },
): Promise<void> {
  const { reservation } = options
  if (reservation.reservedAt === null) return
  if (reservation.state === 'pending_payment') await endReservation(tx, options)
  else await releaseReclaimed(tx, options)
}

/** What `work` wrote stays if it says so; otherwise nothing of it, its locks included. */
async function orUndo(tx: Tx, work: () => Promise<boolean>): Promise<boolean> {
  await tx.query('savepoint reclaim')
  const isDone = await work()
  await tx.query(isDone ? 'release savepoint reclaim' : 'rollback to savepoint reclaim')
  return isDone
}

function sharesSeats(reservation: ReservationRecord, newer: { seatNos: readonly number[] }): boolean {
  return reservation.seats.some(({ seatNo }) => newer.seatNos.includes(seatNo))
}

function sharesPlaces(
  reservation: ReservationRecord,
  newer: { seatNos: readonly number[]; areaNos: readonly number[] },
): boolean {
  return sharesSeats(reservation, newer) || reservation.areas.some(({ areaNo }) => newer.areaNos.includes(areaNo))
}
