import type { EventDefinition } from '#catalog'
import type { Reservation } from '#contracts/reservations.ts'
import type { ReservationRecord } from './ports.ts'
import { stateAt } from './reservation.ts'

/**
 * The reservation as the world sees it at `now`, database time: from `expires_at` on a pending one is expired, swept or not.
 */
export function viewReservation(record: ReservationRecord, definition: EventDefinition, now: number): Reservation {
  const { seatMap } = definition
  const seats = record.seats.map(item => {
    const seat = seatMap.seat(item.seatNo)
    // In this order, in which the framework's serialiser writes it, so that a hold and a look at it are the same text.
    return {
      price_level: definition.levelKey(item.level),
      amount: item.amount,
      seat_id: seat.seatId,
      section: seat.section,
      row: seat.row,
      number: seat.number,
    }
  })
  const areas = record.areas.map(item => ({
    price_level: definition.levelKey(item.level),
    amount: item.amount,
    area_id: seatMap.areas[item.areaNo]!.areaId,
    quantity: item.quantity,
  }))
  const createdAt = new Date(record.createdAt).toISOString()
  return {
    reservation_id: record.reservationId,
    event_id: definition.eventId,
    state: stateAt(record, now),
    items: areas.length === 0 ? seats : [...seats, ...areas],
    amount: record.amount,
    currency: record.currency,
    created_at: createdAt,
    expires_at: new Date(record.expiresAt).toISOString(),
    server_time: now === record.createdAt ? createdAt : new Date(now).toISOString(),
    extensions_left: record.extensionsLeft,
  }
}
