import { fromUuid, type ReservationId, toUuid } from '#kernel/ids.ts'
import type { MemoryTx } from '#platform/memory/memory-tx.ts'
import type { MemoryStatements } from '#platform/memory/statements.ts'
import type { SeatChange } from '../ports.ts'
import type { ReservationRow as ReservationAnswer } from '../reservation-row.ts'
import { isClaimable } from '../seat.ts'
import { expireDueIn } from './changes.ts'
import { endReservations } from './end-reservations.ts'
import {
  areaKey,
  areas,
  byArea,
  bySeat,
  eventKey,
  events,
  type ReservationRow,
  reservationKey,
  reservations,
  type SeatRow,
  seatBlocks,
  seatKey,
  seats,
} from './tables.ts'
import { tell } from './tell.ts'

/** Event, reservation, seats, time, origin, areas and their quantities. */
type OfPlaces = [number, string, number[], string, string, number[], number[]]

/** Twins of the statements by which a sale writes seats, areas and reservations (`sell/`, `change/`), each step a step. */
export const saleStatements: MemoryStatements = {
  lock_reservation_1: async (tx, [eventNo, id]: [number, string]) => {
    const [row] = await tx.lock(reservations, { keys: [keyOf(eventNo, id)] })
    return row === undefined ? [] : [{ ...answerOf(row), now: tx.now() }]
  },

  lock_newer_hold_1: async (tx, [eventNo, userId, id]: [number, string, string]) => {
    const found = await tx.lock(reservations, {
      where: row =>
        row.eventNo === eventNo &&
        toUuid(row.userId) === userId &&
        toUuid(row.reservationId) !== id &&
        row.state === 'pending_payment' &&
        row.reservedAt === null,
    })
    return found.map(row => ({
      reservation_id: toUuid(row.reservationId),
      seat_nos: row.seats.map(seat => seat.seatNo),
      area_nos: row.areas.map(area => area.areaNo),
    }))
  },

  lock_for_reclaim_1: async (tx, [eventNo, seatNos, now, newer]: [number, number[], string, string]) => {
    const holder = fromUuid('rsv', newer)
    return tx.lock(seats, {
      ...seatsOf(eventNo, seatNos),
      where: seat => isClaimable(seat, Date.parse(now)) || (seat.status === 'held' && seat.reservationId === holder),
    })
  },

  lock_areas_1: async (tx, [eventNo, areaNos]: [number, number[]]) =>
    tx.lock(areas, { keys: new Set(areaNos.map(areaNo => areaKey(eventNo, areaNo))), order: byArea }),

  reserve_places_1: async (
    tx,
    [eventNo, id, seatNos, at, origin, extendTo]: [number, string, number[], string, string, string],
  ) => {
    const now = Date.parse(at)
    const reservationId = fromUuid('rsv', id)
    const own = (seat: SeatRow) => seat.reservationId === reservationId && seat.status === 'held'
    const locked = await tx.lock(seats, {
      ...seatsOf(eventNo, seatNos),
      where: seat => own(seat) && seat.heldUntil! > now,
    })
    if (locked.length !== seatNos.length) return []
    const moved = await move(tx, locked, { where: own, to: { status: 'reserved', heldUntil: null } })
    const [opened] = await tx.update(reservations, {
      keys: [keyOf(eventNo, id)],
      where: row => row.state === 'pending_payment' && row.reservedAt === null,
      set: row => ({ ...row, reservedAt: now, expiresAt: Date.parse(extendTo), revision: row.revision + 1 }),
    })
    if (opened === undefined) return []
    await tellOf(tx, { type: 'SeatsReserved', reservation: opened, now, origin, moved })
    return [changesOf(moved)]
  },

  sell_places_2: async (
    tx,
    [eventNo, id, seatNos, at, origin, from, late, traceparent]: [
      number,
      string,
      number[],
      string,
      string,
      'reserved' | 'held',
      boolean,
      string | null,
    ],
  ) => {
    const now = Date.parse(at)
    const reservationId = fromUuid('rsv', id)
    const own = (seat: SeatRow) =>
      seat.reservationId === reservationId && seat.status === from && (seat.heldUntil === null || seat.heldUntil > now)
    const locked = await tx.lock(seats, { ...seatsOf(eventNo, seatNos), where: own })
    if (locked.length !== seatNos.length) return []
    const moved = await move(tx, locked, { where: own, to: { status: 'sold', heldUntil: null } })
    const [confirmed] = await tx.update(reservations, {
      keys: [keyOf(eventNo, id)],
      where: row =>
        row.state === (late ? 'expired' : 'pending_payment') && (row.reservedAt !== null) === (from === 'reserved'),
      set: (row): ReservationRow => ({
        ...row,
        state: 'confirmed',
        endedAt: now,
        reservedAt: null,
        liveTickets: row.quantity,
        revision: row.revision + 1,
      }),
    })
    if (confirmed === undefined) return []
    const data = { late, ...(traceparent !== null && { traceparent }) }
    await tellOf(tx, { type: 'SeatsSold', reservation: confirmed, now, origin, moved, data })
    return [{ ...changesOf(moved), revision: confirmed.revision }]
  },

  reclaim_places_1: async (tx, [eventNo, id, seatNos, at, origin, areaNos, quantities]: OfPlaces) => {
    const now = Date.parse(at)
    const reservationId = fromUuid('rsv', id)
    const isFree = (seat: SeatRow) => isClaimable(seat, now)
    const free = await tx.lock(seats, { ...seatsOf(eventNo, seatNos), where: isFree })
    const none = [{ seats: 0, areas: 0, told: 0 }]
    if (free.length !== seatNos.length) return none
    const wanted = new Map(areaNos.map((areaNo, i) => [areaKey(eventNo, areaNo), quantities[i]!]))
    const hasRoom = (area: { eventNo: number; areaNo: number; available: number }) =>
      area.available >= wanted.get(areaKey(area.eventNo, area.areaNo))!
    const room = await tx.lock(areas, { keys: wanted.keys(), where: hasRoom, order: byArea })
    if (room.length !== areaNos.length) return none
    const moved = await move(tx, free, { where: isFree, to: { status: 'reserved', heldUntil: null, reservationId } })
    const taken = await changeAreas(tx, wanted, (area, quantity) => ({ available: area.available - quantity }))
    const [reclaiming] = await tx.update(reservations, {
      keys: [keyOf(eventNo, id)],
      where: row => row.state === 'expired' && row.reservedAt === null,
      set: row => ({ ...row, reservedAt: now, revision: row.revision + 1 }),
    })
    if (reclaiming !== undefined)
      await tellOf(tx, { type: 'SeatsReserved', reservation: reclaiming, now, origin, moved })
    return [{ seats: moved.length, areas: taken, told: reclaiming === undefined ? 0 : 1 }]
  },

  release_reclaimed_1: async (tx, [eventNo, id, seatNos, at, origin, areaNos, quantities]: OfPlaces) => {
    const now = Date.parse(at)
    const reservationId = fromUuid('rsv', id)
    const own = (seat: SeatRow) => seat.reservationId === reservationId && seat.status === 'reserved'
    const locked = await tx.lock(seats, { ...seatsOf(eventNo, seatNos), where: own })
    const [ended] = await tx.update(reservations, {
      keys: [keyOf(eventNo, id)],
      where: row => row.state === 'expired' && row.reservedAt !== null,
      set: row => ({ ...row, reservedAt: null, revision: row.revision + 1 }),
    })
    if (ended === undefined) return []
    const moved = await move(tx, locked, { where: own, to: { status: 'available', reservationId: null } })
    const given = new Map(areaNos.map((areaNo, i) => [areaKey(eventNo, areaNo), quantities[i]!]))
    await changeAreas(tx, given, (area, quantity) => ({ available: area.available + quantity }))
    await tellOf(tx, { type: 'ReservationExpired', reservation: ended, now, origin, moved })
    return [{}]
  },

  return_places_1: async (
    tx,
    [eventNo, id, seatNos, at, origin, areaNos, quantities, reason]: [
      number,
      string,
      number[],
      string,
      string,
      number[],
      number[],
      string,
    ],
  ) => {
    const now = Date.parse(at)
    const reservationId = fromUuid('rsv', id)
    const event = await tx.read('policy', view => view.get(events, eventKey(eventNo)))
    const status = event?.returns === 'available' ? 'available' : 'blocked'
    const own = (seat: SeatRow) => seat.reservationId === reservationId && seat.status === 'sold'
    const locked = await tx.lock(seats, { ...seatsOf(eventNo, seatNos), where: own })
    const moved = await move(tx, locked, { where: own, to: { status, reservationId: null } })
    if (status === 'blocked')
      await tx.insert(
        seatBlocks,
        moved.map(({ seatNo }) => ({ eventNo, seatNo, reason })),
        { onConflict: 'nothing' },
      )
    const given = new Map(
      areaNos.flatMap((areaNo, i) => (quantities[i]! > 0 ? [[areaKey(eventNo, areaNo), quantities[i]!] as const] : [])),
    )
    await changeAreas(tx, given, (area, quantity) =>
      status === 'available' ? { available: area.available + quantity } : { setAside: area.setAside + quantity },
    )
    const returned = seatNos.length + quantities.reduce((sum, quantity) => sum + quantity, 0)
    const changed =
      moved.length === seatNos.length
        ? await tx.update(reservations, {
            keys: [keyOf(eventNo, id)],
            where: row => row.state === 'confirmed',
            set: row => ({ ...row, liveTickets: row.liveTickets - returned, revision: row.revision + 1 }),
          })
        : []
    if (changed.length > 0 && moved.length > 0)
      await tell(tx, [
        {
          occurredAt: now,
          eventNo,
          type: status === 'blocked' ? 'SeatsSetAside' : 'SeatsReleased',
          origin,
          seats: moved,
          data: { reason },
        },
      ])
    return [{ seats: moved.length, reservations: changed.length }]
  },

  end_reservation_1: async (
    tx,
    [eventNo, id, state, at, origin]: [number, string, 'expired' | 'cancelled', string, string],
  ) => {
    const locked = await tx.lock(reservations, { keys: [keyOf(eventNo, id)] })
    const ended = await endReservations(tx, locked, { state, now: Date.parse(at), origin })
    return ended.map(({ reservation, freed }) => ({ revision: reservation.revision, ...changesOf(freed) }))
  },

  expire_due_1: async (tx, [limit, origin]: [number, string]) => [{ ended: await expireDueIn(tx, origin, limit) }],
}

type Message = {
  type: string
  reservation: ReservationRow
  now: number
  origin: string
  moved: readonly SeatChange[]
  data?: object
}

async function tellOf(tx: MemoryTx, { type, reservation, now, origin, moved, data }: Message): Promise<void> {
  const { eventNo, revision, userId } = reservation
  await tell(tx, [
    {
      occurredAt: now,
      eventNo,
      type,
      subject: reservation.reservationId,
      revision,
      origin,
      userId,
      seats: moved,
      ...(data && { data }),
    },
  ])
}

async function move(
  tx: MemoryTx,
  locked: readonly SeatRow[],
  { where, to }: { where: (seat: SeatRow) => boolean; to: Partial<SeatRow> },
): Promise<SeatChange[]> {
  const moved = await tx.update(seats, {
    keys: locked.map(seat => seatKey(seat.eventNo, seat.seatNo)),
    where,
    order: bySeat,
    set: seat => ({ ...seat, ...to, generation: seat.generation + 1 }),
  })
  return moved.map(({ seatNo, generation }) => ({ seatNo, generation }))
}

async function changeAreas(
  tx: MemoryTx,
  quantities: ReadonlyMap<string, number>,
  change: (
    area: { available: number; setAside: number },
    quantity: number,
  ) => { available?: number; setAside?: number },
): Promise<number> {
  const changed = await tx.update(areas, {
    keys: quantities.keys(),
    order: byArea,
    set: area => ({
      ...area,
      ...change(area, quantities.get(areaKey(area.eventNo, area.areaNo))!),
      generation: area.generation + 1,
    }),
  })
  return changed.length
}

function seatsOf(eventNo: number, seatNos: readonly number[]) {
  return { keys: new Set(seatNos.map(seatNo => seatKey(eventNo, seatNo))), order: bySeat }
}

function keyOf(eventNo: number, id: string): string {
  return reservationKey(eventNo, fromUuid('rsv', id) as ReservationId)
}

function changesOf(moved: readonly SeatChange[]) {
  return {
    seat_nos: moved.map(change => change.seatNo),
    seat_generations: moved.map(change => change.generation),
  }
}

function answerOf(row: ReservationRow): ReservationAnswer {
  return {
    event_no: row.eventNo,
    reservation_id: toUuid(row.reservationId),
    user_id: toUuid(row.userId),
    state: row.state,
    revision: row.revision,
    extensions_left: row.extensionsLeft,
    initial_extensions_left: row.initial.extensionsLeft,
    created_at: row.createdAt,
    expires_at: row.expiresAt,
    initial_expires_at: row.initial.expiresAt,
    reserved_at: row.reservedAt,
    amount: row.amount,
    currency: row.currency,
    seat_nos: row.seats.map(seat => seat.seatNo),
    seat_levels: row.seats.map(seat => seat.level),
    seat_amounts: row.seats.map(seat => String(seat.amount)),
    area_nos: row.areas.map(area => area.areaNo),
    area_quantities: row.areas.map(area => area.quantity),
    area_levels: row.areas.map(area => area.level),
    area_amounts: row.areas.map(area => String(area.amount)),
  }
}
