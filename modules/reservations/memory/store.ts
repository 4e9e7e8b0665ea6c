import type { MemoryConnection } from '#platform/memory/database.ts'
import type { ReservationStore } from '../ports.ts'
import { cancelReservation, expireDue, extendReservation, setSeatsAside } from './changes.ts'
import { holdBatch } from './hold-batch.ts'
import { reservationKey, reservations } from './tables.ts'
import { toRecord } from './to-record.ts'

/** The twin of the PostgreSQL store over the memory database; for simulations, and for tests that need no server. */
export function createMemoryStore({ db, origin }: { db: MemoryConnection; origin: string }): ReservationStore {
  return {
    holdBatch: requests => holdBatch(db, origin, requests),
    find: (eventNo, reservationId) =>
      db.transaction('find', async tx => {
        const row = await tx.read('reservation', view => view.get(reservations, reservationKey(eventNo, reservationId)))
        return row === undefined ? null : { reservation: toRecord(row), now: tx.now() }
      }),
    listOfUser: (userId, { limit, before }) =>
      db.transaction('list', async tx => {
        const rows = await tx.read('reservations of user', view =>
          view.rows(reservations, {
            where: row => row.userId === userId && (before === undefined || row.reservationId < before),
            order: (a, b) => (a.reservationId < b.reservationId ? 1 : -1),
          }),
        )
        return { reservations: rows.slice(0, limit).map(toRecord), now: tx.now() }
      }),
    extend: command => extendReservation(db, origin, command),
    cancel: command => cancelReservation(db, origin, command),
    expireDue: limit => expireDue(db, origin, limit),
    setAside: command => setSeatsAside(db, origin, command),
  }
}
