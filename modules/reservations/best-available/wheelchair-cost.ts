import type { SeatMap } from '#catalog'
import type { RowScan } from './row-scan.ts'

/**
 * How dear a place with a wheelchair is to the others who need one; infinite without a wheelchair. What weighs most comes
 * first: wheelchair places used, wheelchair places left without the companion seat they had, seats used that are no
 * companion seats, seats left alone, distance from the middle of the row.
 */
export function wheelchairCost(map: SeatMap, scan: RowScan, first: number, size: number): number {
  const wheelchair = map.attributeBit('wheelchair')
  const companion = map.attributeBit('companion')
  const has = (seatNo: number, bit: number) => (map.attributes[seatNo]! & bit) !== 0
  let wheelchairs = 0
  let companions = 0
  for (let seatNo = first; seatNo < first + size; seatNo++) {
    if (has(seatNo, wheelchair)) wheelchairs++
    else if (has(seatNo, companion)) companions++
  }
  if (wheelchairs === 0) return Number.POSITIVE_INFINITY
  const isStranded = (inside: number, outside: number, beyond: number) => {
    if (!scan.isFreeBeside(inside, outside) || !has(outside, wheelchair) || !has(inside, companion)) return false
    return !scan.isFreeBeside(outside, beyond) || !has(beyond, companion)
  }
  const last = first + size - 1
  const stranded = Number(isStranded(first, first - 1, first - 2)) + Number(isStranded(last, last + 1, last + 2))
  const scarce = (wheelchairs * 3 + stranded) * 128 + size - companions
  return (scarce * 3 + scan.leavesAlone(first, size)) * 2 ** 20 + scan.offCentre(first, size)
}
