import type { EventDefinition } from '#catalog'
import type { AvailabilitySection, SeatOfSection } from '#contracts/availability.ts'
import { type EventSeats, seatShown } from '../event-seats.ts'

/** Sections in the order of the map, then its areas. */
export function viewSections(definition: EventDefinition, seats: EventSeats): AvailabilitySection[] {
  const { amountOf, leastOf } = pricesOf(definition)
  const { map } = seats
  const sections = map.sections.map(({ name, firstSeat, seatCount }, no): AvailabilitySection => {
    const available = seats.sectionFree(no)
    const least = leastOf[no]!
    const min_amount = available === 0 ? least : leastFree(firstSeat, seatCount, least)
    return { section: name, kind: 'seats', capacity: seatCount, available, min_amount }
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

  /** What the cheapest free seat costs. Most sections have one price, so the first free seat ends the search. */
  function leastFree(firstSeat: number, seatCount: number, least: number): number {
    let found = Number.POSITIVE_INFINITY
    for (let seatNo = firstSeat; seatNo < firstSeat + seatCount && found > least; seatNo++) {
      if (seats.shown[seatNo] === seatShown.available) found = Math.min(found, amountOf[definition.seatLevel[seatNo]!]!)
    }
    return found
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

type Prices = {
  /** By the number of the level. */
  amountOf: Float64Array
  /** What the cheapest seat of each section costs, free or not. */
  leastOf: Float64Array
}
const known = new WeakMap<EventDefinition, Prices>()

function pricesOf(definition: EventDefinition): Prices {
  const before = known.get(definition)
  if (before !== undefined) return before
  const { priceLevels, seatLevel, seatMap } = definition
  const amountOf = new Float64Array(256)
  for (const { no, amount } of priceLevels) amountOf[no] = amount
  const leastOf = Float64Array.from(seatMap.sections, ({ firstSeat, seatCount }) =>
    seatLevel
      .subarray(firstSeat, firstSeat + seatCount)
      .reduce((least, no) => Math.min(least, amountOf[no]!), Infinity),
  )
  const prices = { amountOf, leastOf }
  known.set(definition, prices)
  return prices
}
