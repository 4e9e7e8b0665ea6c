import type { SeatSelection } from '#contracts/catalog.ts'
import type { SeatMap } from './seat-map.ts'

/** The seats that a selection names, each once, by number; or the parts of it that name nothing. */
export function selectSeats(
  map: SeatMap,
  selection: SeatSelection,
): { ok: true; seatNos: number[] } | { ok: false; errors: { path: string; message: string }[] } {
  const chosen = new Uint8Array(map.seatCount)
  const errors: { path: string; message: string }[] = []
  for (const [i, name] of (selection.sections ?? []).entries()) {
    const section = map.sections[map.sectionNoOf(name)]
    if (section) chosen.fill(1, section.firstSeat, section.firstSeat + section.seatCount)
    else errors.push({ path: `select.sections[${i}]`, message: 'there is no such section' })
  }
  for (const [i, wanted] of (selection.rows ?? []).entries()) {
    const row = map.rows.find(
      ({ section, label }) => label === wanted.row && map.sections[section]!.name === wanted.section,
    )
    if (row) chosen.fill(1, row.firstSeat, row.firstSeat + row.seatCount)
    else errors.push({ path: `select.rows[${i}]`, message: 'there is no such row in that section' })
  }
  for (const [i, seatId] of (selection.seat_ids ?? []).entries()) {
    const seatNo = map.seatNoOf(seatId)
    if (seatNo === -1) errors.push({ path: `select.seat_ids[${i}]`, message: 'there is no such seat' })
    else chosen[seatNo] = 1
  }
  if (errors.length > 0) return { ok: false, errors }
  return { ok: true, seatNos: Array.from(chosen.keys()).filter(seatNo => chosen[seatNo] === 1) }
}
