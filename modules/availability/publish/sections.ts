import type { EventDefinition } from '#catalog'
import type { AvailabilitySection, SeatOfSection } from '#contracts/availability.ts'
import { type EventSeats, seatShown } from '../event-seats.ts'

/** Sections in the order of the map, then its areas. */
export function viewSections(definition: EventDefinition, seats: EventSeats): AvailabilitySection[] {
  const amountOf = amountsByLevel(definition)
  const { map } = seats
  const sections = map.sections.map(({ name, firstSeat, seatCount }, no): AvailabilitySection => {
    return {
      section: name,
      kind: 'seats',
      capacity: seatCount,
      available: seats.sectionFree(no),
      min_amount: leastAmount(firstSeat, seatCount),
    }
  })
  const areas = definition.areas.map(({ areaNo, areaId, capacity, level }): AvailabilitySection => {
    return {
      section: map.areas[areaNo]!.name,
      kind: 'area',
      area_id: areaId,
      capacity,
      available: seats.areaAvailable[areaNo]!,
      min_amount: amountOf[level]!,
    }
  })
  return [...sections, ...areas]

  /** What the cheapest free seat costs, or the cheapest of all when none is free. */
  function leastAmount(firstSeat: number, seatCount: number): number {
    let free = Number.POSITIVE_INFINITY
    let any = Number.POSITIVE_INFINITY
    for (let seatNo = firstSeat; seatNo < firstSeat + seatCount; seatNo++) {
      const amount = amountOf[definition.seatLevel[seatNo]!]!
      if (amount < any) any = amount
      if (amount < free && seats.shown[seatNo] === seatShown.available) free = amount
    }
    return free === Number.POSITIVE_INFINITY ? any : free
  }
}

/** The seats of a section, row by row, each row as one walks along it. */
export function viewSeats(definition: EventDefinition, seats: EventSeats, sectionNo: number): SeatOfSection[] {
  const levels = new Map(definition.priceLevels.map(level => [level.no, level]))
  const { firstSeat, seatCount } = seats.map.sections[sectionNo]!
  return Array.from({ length: seatCount }, (_, i) => {
    const seatNo = firstSeat + i
    const { seatId, row, number, attributes } = seats.map.seat(seatNo)
    const level = levels.get(definition.seatLevel[seatNo]!)!
    const status = seats.statusShown(seatNo)
    return {
      seat_id: seatId,
      seat_no: seatNo,
      row,
      number,
      price_level: level.key,
      amount: level.amount,
      status,
      attributes: [...attributes],
    }
  })
}

function amountsByLevel({ priceLevels }: EventDefinition): Float64Array {
  const amounts = new Float64Array(256).fill(Number.NaN)
  for (const { no, amount } of priceLevels) amounts[no] = amount
  return amounts
}
