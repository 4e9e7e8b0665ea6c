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
  return db.transaction('expire due', tx => expireDueIn(tx, origin, limit))
}

export async function expireDueIn(tx: MemoryTx, origin: string, limit: number): Promise<number> {
  const now = tx.now()
  const due = await tx.lock(reservations, {
    where: row => row.state === 'pending_payment' && row.reservedAt === null && row.expiresAt <= now,
    order: byEnd,
    limit,
    skipLocked: true,
  })
  if (due.length === 0) return 0
  return (await endReservations(tx, due, { state: 'expired', now, origin })).length
}

export function setSeatsAside(
  db: MemoryConnection,
  origin: string,
  { eventNo, seatNos, change }: Parameters<ReservationStore['setAside']>[0],
): ReturnType<ReservationStore['setAside']> {
  return db.transaction('set aside', async tx => {
    const keys = seatNos.map(seatNo => seatKey(eventNo, seatNo))
    return 'blocked' in change
      ? blockSeats(tx, origin, { eventNo, keys, reason: change.blocked })
      : releaseSeats(tx, origin, { eventNo, keys })
  })
}

async function blockSeats(
  tx: MemoryTx,
  origin: string,
  { eventNo, keys, reason }: { eventNo: number; keys: string[]; reason: string },
) {
  const now = tx.now()
  const mayBlock = (seat: SeatRow) => isClaimable(seat, now) || seat.status === 'blocked'
  const asked = await tx.read('seats', view => view.rows(seats, { keys, order: bySeat }))
  assert(asked.length === keys.length, 'the seats to set aside exist and are named once')
  const locked = await tx.lock(seats, { keys, where: mayBlock, order: bySeat })
  const changed = await tx.update(seats, {
    keys: locked.map(seat => seatKey(eventNo, seat.seatNo)),
    where: seat => isClaimable(seat, now),
    set: (seat): SeatRow => ({
      ...seat,
      status: 'blocked',
      heldUntil: null,
      reservationId: null,
      generation: seat.generation + 1,
    }),
  })
  await giveReasons(tx, locked, reason)
  await tellOf(tx, { occurredAt: now, eventNo, type: 'SeatsSetAside', origin, data: { reason } }, changed)

  const had = new Set(locked.map(seat => seat.seatNo))
  const overtaken = asked.filter(seat => mayBlock(seat) && !had.has(seat.seatNo))
  const since = await tx.read('overtaken seats', view =>
    view.rows(seats, { keys: overtaken.map(seat => seatKey(eventNo, seat.seatNo)) }),
  )
  const statuses = new Map<number, SeatStatus>([
    ...asked.map(seat => [seat.seatNo, statusAt(seat, now)] as const),
    ...since.map(seat => [seat.seatNo, hasHolder(seat.status) ? seat.status : 'held'] as const),
  ])
  const refused = asked
    .filter(seat => !had.has(seat.seatNo))
    .map(({ seatNo }) => ({ seatNo, status: statuses.get(seatNo)! }))
  return { changed: changed.map(changeOf), refused }
}

async function releaseSeats(tx: MemoryTx, origin: string, { eventNo, keys }: { eventNo: number; keys: string[] }) {
  const now = tx.now()
  const asked = await tx.read('seats', view => view.rows(seats, { keys, order: bySeat }))
  assert(asked.length === keys.length, 'the seats to put back on sale exist and are named once')
  const changed = await tx.update(seats, {
    keys,
    where: seat => seat.status === 'blocked',
    order: bySeat,
    set: (seat): SeatRow => ({ ...seat, status: 'available', generation: seat.generation + 1 }),
  })
  await tx.remove(seatBlocks, { keys: changed.map(seat => seatKey(eventNo, seat.seatNo)) })
  await tellOf(tx, { occurredAt: now, eventNo, type: 'SeatsReleased', origin, data: null }, changed)
  const refused = asked
    .map(seat => ({ seatNo: seat.seatNo, status: statusAt(seat, now) }))
    .filter(seat => hasHolder(seat.status))
  return { changed: changed.map(changeOf), refused }
}

async function tellOf(
  tx: MemoryTx,
  message: Omit<Parameters<typeof tell>[1][number], 'seats'>,
  changed: readonly SeatRow[],
): Promise<void> {
  if (changed.length > 0) await tell(tx, [{ ...message, seats: changed.map(changeOf) }])
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
