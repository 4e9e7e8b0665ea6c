import type { EventDefinition } from '#catalog'
import type { ReservationRecord } from './ports.ts'

/** One item of a reservation with what stands on a ticket; `amount` is the price of one place. */
export type PlaceOfReservation =
  | {
      kind: 'seat'
      seatNo: number
      section: string
      row: string
      number: string
      priceLevel: number
      amount: number
    }
  | { kind: 'area'; areaNo: number; areaId: string; quantity: number; priceLevel: number; amount: number }

export function placesOf(record: ReservationRecord, { seatMap }: EventDefinition): PlaceOfReservation[] {
  const seats = record.seats.map(({ seatNo, level, amount }) => {
    const { section, row, number } = seatMap.seat(seatNo)
    return { kind: 'seat' as const, seatNo, section, row, number, priceLevel: level, amount }
  })
  const areas = record.areas.map(({ areaNo, quantity, level, amount }) => {
    const { areaId } = seatMap.areas[areaNo]!
    return { kind: 'area' as const, areaNo, areaId, quantity, priceLevel: level, amount }
  })
  return [...seats, ...areas]
}
