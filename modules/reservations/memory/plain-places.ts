import type { PlaceOfReservation } from '../places.ts'
import type { ReservationRecord } from '../ports.ts'

/** What a reservation is of, where no seat map gives its seats a name: each stands in section A, row 1, under its number. */
export function plainPlaces(record: ReservationRecord): PlaceOfReservation[] {
  return [
    ...record.seats.map(({ seatNo, level, amount }) => ({
      kind: 'seat' as const,
      seatNo,
      section: 'A',
      row: '1',
      number: String(seatNo),
      priceLevel: level,
      amount,
    })),
    ...record.areas.map(({ areaNo, quantity, level, amount }) => ({
      kind: 'area' as const,
      areaNo,
      areaId: 'FLOOR',
      quantity,
      priceLevel: level,
      amount,
    })),
  ]
}
