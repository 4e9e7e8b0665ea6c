import type { Database } from '#platform/postgres/database.ts'
import { cancelReservation } from './change/cancel.ts'
import { expireDue } from './change/expire.sql.ts'
import { extendReservation } from './change/extend.ts'
import { setSeatsAside } from './change/set-aside.ts'
import { findReservation, listReservationsOfUser } from './find.sql.ts'
import { holdBatch } from './hold/hold-batch.sql.ts'
import type { ReservationStore } from './ports.ts'

/**
 * The store that decides. `origin` names this process in the messages it writes (a uuid), so that it can skip its own when it
 * follows the changes of others.
 */
export function createPostgresStore({
  db,
  holdDb = db,
  origin,
}: {
  db: Database
  /** Connections for batches alone, so that nothing else keeps one waiting. */
  holdDb?: Database
  origin: string
}): ReservationStore {
  return {
    holdBatch: requests => holdBatch(holdDb, origin, requests),
    find: (eventNo, reservationId) => findReservation(db, eventNo, reservationId),
    listOfUser: (userId, page) => listReservationsOfUser(db, userId, page),
    extend: command => extendReservation(db, origin, command),
    cancel: command => cancelReservation(db, origin, command),
    expireDue: limit => expireDue(db, origin, limit),
    setAside: command => setSeatsAside(db, origin, command),
  }
}
