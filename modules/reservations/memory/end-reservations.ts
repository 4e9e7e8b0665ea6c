import type { MemoryTx } from '#platform/memory/memory-tx.ts'
import type { SeatChange } from '../ports.ts'
import {
  areaKey,
  areas,
  byArea,
  bySeat,
  type ReservationRow,
  reservationKey,
  reservations,
  type SeatRow,
  seatKey,
  seats,
} from './tables.ts'
import { tell } from './tell.ts'

/** Twin of `holdfast.end_reservations`: ends live reservations that the caller has locked, and frees what is still theirs. */
export async function endReservations(
  tx: MemoryTx,
  locked: readonly ReservationRow[],
  {
    state,
    now,
    origin,
    areasToLock = [],
  }: {
    state: 'expired' | 'cancelled'
    now: number
    origin: string
    areasToLock?: readonly { eventNo: number; areaNo: number }[]
  },
): Promise<{ reservation: ReservationRow; freed: SeatChange[] }[]> {
  const listed = new Set(locked.flatMap(row => row.seats.map(seat => seatKey(row.eventNo, seat.seatNo))))
  const mine = (seat: { eventNo: number; seatNo: number; reservationId: string | null }) =>
    locked.some(row => row.eventNo === seat.eventNo && row.reservationId === seat.reservationId)
  await tx.lock(seats, { keys: listed, where: mine, order: bySeat })
  if (areasToLock.length > 0) {
    const own = locked.flatMap(row => row.areas.map(({ areaNo }) => ({ eventNo: row.eventNo, areaNo })))
    const keys = new Set([...areasToLock, ...own].map(area => areaKey(area.eventNo, area.areaNo)))
    await tx.lock(areas, { keys, order: byArea })
  }

  const ended = await tx.update(reservations, {
    keys: new Set(locked.map(row => reservationKey(row.eventNo, row.reservationId))),
    where: row => row.state === 'pending_payment',
    set: row => ({ ...row, state, revision: row.revision + 1, endedAt: now, reservedAt: null }),
  })
  const freedOf = new Map<string, SeatChange[]>(ended.map(row => [row.reservationId, []]))
  await tx.update(seats, {
    keys: listed,
    where: seat => mine(seat) && (seat.status === 'held' || seat.status === 'reserved'),
    order: bySeat,
    set: (seat): SeatRow => {
      const generation = seat.generation + 1
      freedOf.get(seat.reservationId!)!.push({ seatNo: seat.seatNo, generation })
      return { ...seat, status: 'available', heldUntil: null, reservationId: null, generation }
    },
  })

  const given = new Map<string, number>()
  for (const row of ended)
    for (const { areaNo, quantity } of row.areas) {
      const key = areaKey(row.eventNo, areaNo)
      given.set(key, (given.get(key) ?? 0) + quantity)
    }
  if (given.size > 0)
    await tx.update(areas, {
      keys: given.keys(),
      order: byArea,
      set: area => ({
        ...area,
        available: area.available + given.get(areaKey(area.eventNo, area.areaNo))!,
        generation: area.generation + 1,
      }),
    })

  const inOrder = ended.sort((a, b) => a.eventNo - b.eventNo || (a.reservationId < b.reservationId ? -1 : 1))
  await tell(
    tx,
    inOrder.map(row => ({
      occurredAt: now,
      eventNo: row.eventNo,
      type: state === 'expired' ? 'ReservationExpired' : 'ReservationCancelled',
      subject: row.reservationId,
      revision: row.revision,
      origin,
      userId: row.userId,
      seats: freedOf.get(row.reservationId)!,
    })),
  )
  return inOrder.map(row => ({ reservation: row, freed: freedOf.get(row.reservationId)! }))
}
