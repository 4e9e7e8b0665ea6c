import { assert } from '#kernel/assert.ts'
import type { Database, Tx } from '#platform/postgres/database.ts'
import type { ReservationStore, SeatStatus } from '../ports.ts'
import { hasHolder } from '../seat.ts'
import { blockSeats, releaseSeats, type SeatAsked, seatStatusesNow } from './set-aside.sql.ts'

/** Sets seats aside for a reason, or back on sale; tells which had a holder and stay theirs. */
export function setSeatsAside(
  db: Database,
  origin: string,
  command: SetAside,
): ReturnType<ReservationStore['setAside']> {
  return db.transaction(tx => setSeatsAsideIn(tx, origin, command))
}

export type SetAside = Parameters<ReservationStore['setAside']>[0]

/** The same within a transaction of the caller's. */
export async function setSeatsAsideIn(
  tx: Tx,
  origin: string,
  { eventNo, seatNos, change }: SetAside,
): ReturnType<ReservationStore['setAside']> {
  const asked: SeatAsked[] =
    'blocked' in change
      ? await blockSeats(tx, { eventNo, seatNos, reason: change.blocked, origin })
      : await releaseSeats(tx, { eventNo, seatNos, origin })
  assert(asked.length === seatNos.length, 'the seats to set aside exist and are named once')
  const changed = asked.flatMap(({ seatNo, generation }) => (generation === null ? [] : [{ seatNo, generation }]))
  const overtaken = asked.filter(seat => seat.wasOvertaken).map(seat => seat.seatNo)
  const statuses = new Map<number, SeatStatus>(asked.map(seat => [seat.seatNo, seat.status]))
  // Somebody had them first while this waited. Whatever they are by now, a holder is what kept us from them.
  if (overtaken.length > 0)
    for (const { seatNo, status } of await seatStatusesNow(tx, eventNo, overtaken))
      statuses.set(seatNo, hasHolder(status) ? status : 'held')
  const refused = asked
    .filter(seat => seat.generation === null)
    .map(({ seatNo }) => ({ seatNo, status: statuses.get(seatNo)! }))
    .filter(({ status }) => hasHolder(status))
  return { changed, refused }
}
