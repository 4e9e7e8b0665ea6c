import assert from 'node:assert/strict'
import { SeatMap } from '#catalog'

/**
 * Halls drawn as text, one string a row, one sign a seat:
 *
 *   .  free          W C  free wheelchair and companion places     |  an aisle
 *   x  taken         w c  the same, taken                          v  free, restricted view
 *   *  chosen        @ &  the same, chosen                         1 2  free, of price level 1, 2 (all others: 0)
 */
export function drawnHall(sections: readonly string[] | Readonly<Record<string, readonly string[]>>): DrawnHall {
  const named = Array.isArray(sections) ? { A: sections } : sections
  const signs: string[] = []
  const joinsNext: number[] = []
  const x: number[] = []
  const y: number[] = []
  const rows: SeatMap['rows'][number][] = []
  const mapSections: SeatMap['sections'][number][] = []
  for (const [name, drawn] of Object.entries(named as Record<string, readonly string[]>)) {
    const section = { name, firstSeat: signs.length, seatCount: 0, firstRow: rows.length, rowCount: drawn.length }
    for (const [r, row] of drawn.entries()) {
      const firstSeat = signs.length
      for (let i = 0; i < row.length; i++) {
        if (row[i] === '|') continue
        signs.push(row[i]!)
        x.push(10 * i)
        y.push(12 * rows.length)
        joinsNext.push(i + 1 < row.length && row[i + 1] !== '|' ? 1 : 0)
      }
      rows.push({ section: mapSections.length, label: String(r + 1), firstSeat, seatCount: signs.length - firstSeat })
    }
    section.seatCount = signs.length - section.firstSeat
    mapSections.push(section)
  }
  const count = signs.length
  const map = new SeatMap({
    name: 'Drawn hall',
    size: { width: 10_000, height: 10_000 },
    seatRadius: 4,
    categories: ['0', '1', '2'].map(name => ({ name, color: '#000000' })),
    sections: mapSections,
    rows,
    areas: [],
    scenery: [],
    x: Float32Array.from(x),
    y: Float32Array.from(y),
    category: Uint8Array.from(signs, sign => Number('12'.includes(sign) ? sign : 0)),
    attributes: Uint16Array.from(signs, sign =>
      'Ww@'.includes(sign) ? 1 : 'Cc&'.includes(sign) ? 2 : sign === 'v' ? 4 : 0,
    ),
    attributeNames: ['wheelchair', 'companion', 'restricted-view'],
    number: Uint32Array.from(signs, (_, n) => n),
    numberLabels: signs.map((_, n) => String(n)),
    joinsNext: Uint8Array.from(joinsNext),
  })
  const free = Uint8Array.from(signs, sign => Number(!'xwc'.includes(sign)))
  return {
    map,
    free,
    isFree: seatNo => free[seatNo] === 1,
    levelOf: seatNo => map.category[seatNo]!,
    chosen: [...signs.keys()].filter(n => '*@&'.includes(signs[n]!)),
    marked: (seatNos, mark) => {
      if (seatNos === null) return null
      assert.ok(
        seatNos.every(n => n < count),
        'the seats lie in the hall',
      )
      let n = 0
      return Object.values(named as Record<string, readonly string[]>)
        .flat()
        .map(row => row.replace(/[^|]/g, sign => (seatNos.includes(n++) ? mark : sign)))
    },
  }
}

export interface DrawnHall {
  map: SeatMap
  /** 1 where a seat is free; may be written to. */
  free: Uint8Array
  isFree: (seatNo: number) => boolean
  levelOf: (seatNo: number) => number
  chosen: number[]
  /** The drawing with these seats marked, all rows of all sections; null for null. */
  marked: (seatNos: readonly number[] | null, mark: string) => string[] | null
}
