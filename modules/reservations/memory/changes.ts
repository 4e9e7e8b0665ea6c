import { assert } from '#kernel/assert.ts'
import type { MemoryConnection } from '#platform/memory/database.ts'
import type { MemoryTx } from '#platform/memory/memory-tx.ts'
import type { ChangeOutcome, ReservationStore, SeatChange, SeatStatus } from '../ports.ts'
import { judgeCancellation, judgeExtension } from '../reservation.ts'
import { hasHolder, isClaimable, statusAt } from '../seat.ts'
import { endReservations } from './end-reservations.ts'
import {
  byEnd,
  bySeat,
  type ReservationRow,
  reservationKey,
  reservations,
  type SeatRow,
  seatBlocks,
  seatKey,
  seats,
} from './tables.ts'
import { tell } from './tell.ts'
import { toRecord } from './to-record.ts'

export function extendReservation(
  db: MemoryConnection,
  origin: string,
  command: Parameters<ReservationStore['extend']>[0],
): Promise<ChangeOutcome> {
  return db.transaction('extend', async tx => {
    const found = await lockReservation(tx, command)
    const judged = judgeExtension(found, command)
    if (!judged.ok) return judged
    const { reservation, now } = found!
    const { expiresAt, extensionsLeft } = judged
    const own = {
      keys: reservation.seats.map(seat => seatKey(reservation.eventNo, seat.seatNo)),
      where: (seat: SeatRow) => seat.reservationId === reservation.reservationId && seat.status === 'held',
      order: bySeat,
    }
    const locked = await tx.lock(seats, own)
    if (locked.length !== reservation.seats.length) return { ok: false, code: 'reservation-expired', now }
    const moved = await tx.update(seats, {
      ...own,
      set: seat => ({ ...seat, heldUntil: expiresAt, generation: seat.generation + 1 }),
    })
    const [extended] = await tx.update(reservations, {
      keys: [reservationKey(reservation.eventNo, reservation.reservationId)],
      where: row => row.state === 'pending_payment',
      set: row => ({ ...row, expiresAt, extensionsLeft, revision: row.revision + 1 }),
    })
    assert(extended !== undefined, 'a reservation found live under its lock can be extended')
    await tell(tx, [
      {
        occurredAt: now,
        eventNo: reservation.eventNo,
        type: 'ReservationExtended',
        subject: reservation.reservationId,
        revision: extended.revision,
        origin,
        userId: reservation.userId,
        heldUntil: expiresAt,
        seats: moved.map(changeOf),
      },
    ])
    return { ok: true, reservation: toRecord(extended), now, moved: moved.map(changeOf) }
  })
}

export function cancelReservation(
  db: MemoryConnection,
  origin: string,
  command: Parameters<ReservationStore['cancel']>[0],
): Promise<ChangeOutcome> {
  return db.transaction('cancel', async tx => {
    const found = await lockReservation(tx, command)
    const judged = judgeCancellation(found, command)
    if (!judged.ok) return judged
    const { reservation, now } = found!
    const [ended] = await endReservations(tx, [reservation], { state: 'cancelled', now, origin })
    assert(ended !== undefined, 'a reservation found live under its lock can be ended')
    return { ok: true, reservation: toRecord(ended.reservation), now, moved: ended.freed }
  })
}

export function expireDue(db: MemoryConnection, origin: string, limit: number): Promise<number> {
  return db.transaction('expire due', async tx => {
    const now = tx.now()
    const due = await tx.lock(reservations, {
      where: row => row.state === 'pending_payment' && row.expiresAt <= now,
      order: byEnd,
      limit,
      skipLocked: true,
    })
    if (due.length === 0) return 0
    return (await endReservations(tx, due, { state: 'expired', now, origin })).length
  })
}

export function setSeatsAside(
  db: MemoryConnection,
  origin: string,
  { eventNo, seatNos, change }: Parameters<ReservationStore['setAside']>[0],
): ReturnType<ReservationStore['setAside']> {
  return db.transaction('set aside', async tx => {
    const now = tx.now()
    const keys = seatNos.map(seatNo => seatKey(eventNo, seatNo))
    const asked = await tx.read('seats', view => view.rows(seats, { keys, order: bySeat }))
    assert(asked.length === seatNos.length, 'the seats to set aside exist and are named once')
    const mayChange =
      'blocked' in change ? (seat: SeatRow) => isClaimable(seat, now) : (seat: SeatRow) => seat.status === 'blocked'
    const status: SeatStatus = 'blocked' in change ? 'blocked' : 'available'
    const changed = await tx.update(seats, {
      keys,
      where: mayChange,
      order: bySeat,
      set: (seat): SeatRow => ({
        ...seat,
        status,
        heldUntil: null,
        reservationId: null,
        generation: seat.generation + 1,
      }),
    })
    const done = new Set(changed.map(seat => seat.seatNo))
    if ('blocked' in change) {
      const wereBlocked = asked.filter(seat => seat.status === 'blocked')
      await giveReasons(tx, [...changed, ...wereBlocked], change.blocked)
    } else await tx.remove(seatBlocks, { keys: changed.map(seat => seatKey(eventNo, seat.seatNo)) })
    if (changed.length > 0)
      await tell(tx, [
        {
          occurredAt: now,
          eventNo,
          type: 'blocked' in change ? 'SeatsSetAside' : 'SeatsReleased',
          origin,
          seats: changed.map(changeOf),
          data: 'blocked' in change ? { reason: change.blocked } : null,
        },
      ])

    const overtaken = asked.filter(seat => mayChange(seat) && !done.has(seat.seatNo))
    const since = await tx.read('seats', view =>
      view.rows(seats, { keys: overtaken.map(seat => seatKey(eventNo, seat.seatNo)) }),
    )
    const statuses = new Map<number, SeatStatus>([
      ...asked.map(seat => [seat.seatNo, statusAt(seat, now)] as const),
      ...since.map(seat => [seat.seatNo, seat.status === 'available' ? 'held' : seat.status] as const),
    ])
    const refused = asked
      .filter(seat => !done.has(seat.seatNo))
      .map(({ seatNo }) => ({ seatNo, status: statuses.get(seatNo)! }))
      .filter(seat => hasHolder(seat.status))
    return { changed: changed.map(changeOf), refused }
  })
}

/** The reservation under its row lock, and the time once the lock was had. */
async function lockReservation(
  tx: MemoryTx,
  { eventNo, reservationId }: { eventNo: number; reservationId: ReservationRow['reservationId'] },
): Promise<{ reservation: ReservationRow; now: number } | null> {
  const [reservation] = await tx.lock(reservations, { keys: [reservationKey(eventNo, reservationId)] })
  return reservation === undefined ? null : { reservation, now: tx.now() }
}

async function giveReasons(tx: MemoryTx, blocked: readonly SeatRow[], reason: string): Promise<void> {
  const rows = blocked.map(({ eventNo, seatNo }) => ({ eventNo, seatNo, reason }))
  const inserted = new Set((await tx.insert(seatBlocks, rows, { onConflict: 'nothing' })).map(row => row.seatNo))
  await tx.update(seatBlocks, {
    keys: rows.filter(row => !inserted.has(row.seatNo)).map(row => seatKey(row.eventNo, row.seatNo)),
    set: row => ({ ...row, reason }),
  })
}

function changeOf({ seatNo, generation }: SeatRow): SeatChange {
  return { seatNo, generation }
}
