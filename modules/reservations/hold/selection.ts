import type { EventDefinition } from '#catalog'
import type { HoldBody } from '#contracts/reservations.ts'
import type { AreaItem, SeatItem } from '../ports.ts'
import type { HoldRefusal } from './refusal.ts'

/** The places of a hold with their prices, frozen as the event has them now. */
export type Selection =
  | { ok: true; seats: SeatItem[]; areas: AreaItem[]; quantity: number; amount: number }
  | HoldRefusal

/** The places a buyer picked by id. */
export function selectPlaces(definition: EventDefinition, body: HoldBody): Selection {
  const { seatMap } = definition
  const seatNos: number[] = []
  const unknownSeats: string[] = []
  for (const seatId of body.seat_ids ?? []) {
    const seatNo = seatMap.seatNoOf(seatId)
    if (seatNo === -1) unknownSeats.push(seatId)
    else seatNos.push(seatNo)
  }
  if (unknownSeats.length > 0) return { ok: false, code: 'unknown-seats', seatIds: unknownSeats }

  const areas: AreaItem[] = []
  const unknownAreas: string[] = []
  for (const wanted of body.areas ?? []) {
    const area = definition.areas.find(candidate => candidate.areaId === wanted.area_id)
    if (area === undefined) unknownAreas.push(wanted.area_id)
    else
      areas.push({
        areaNo: area.areaNo,
        quantity: wanted.quantity,
        level: area.level,
        amount: amountOf(definition, area.level),
      })
  }
  if (unknownAreas.length > 0) return { ok: false, code: 'unknown-areas', areaIds: unknownAreas }
  return priced(definition, seatNos, areas)
}

export function priced(definition: EventDefinition, seatNos: readonly number[], areas: AreaItem[] = []): Selection {
  const seats = seatNos.map(seatNo => {
    const level = definition.seatLevel[seatNo]!
    return { seatNo, level, amount: amountOf(definition, level) }
  })
  const quantity = seats.length + areas.reduce((sum, area) => sum + area.quantity, 0)
  const amount =
    seats.reduce((sum, seat) => sum + seat.amount, 0) +
    areas.reduce((sum, area) => sum + area.amount * area.quantity, 0)
  return { ok: true, seats, areas, quantity, amount }
}

function amountOf(definition: EventDefinition, level: number): number {
  return definition.priceLevels.find(known => known.no === level)!.amount
}
