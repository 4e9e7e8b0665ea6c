import type { EventDefinition } from '../events/event-definition.ts'
import { attributesOf } from '../seat-map/attributes.ts'
import { type Row, rounded } from '../seat-map/seat-map.ts'

/** The parts of a definition that the geometry shows. Events that agree in them have the same body. */
export type PricedMap = Pick<EventDefinition, 'seatMap' | 'seatLevel' | 'areas' | 'levelKey'>

/**
 * The body of `GET /v1/events/{id}/seatmap`, in pieces of one section: 80,000 seats are 9 MB of text, which should neither be
 * held whole nor hold up the event loop.
 */
export function* writeGeometry({ seatMap, seatLevel, areas, levelKey }: PricedMap): Generator<string> {
  const { name, size, seatRadius } = seatMap
  yield `{"name":${JSON.stringify(name)},"size":${JSON.stringify(size)},"seat_radius":${seatRadius},"sections":[`
  const text = texts()
  for (const [no, section] of seatMap.sections.entries()) {
    const rows = seatMap.rows.slice(section.firstRow, section.firstRow + section.rowCount).map(writeRow)
    yield `${no === 0 ? '' : ','}{"section":${text(section.name)},"rows":[${rows.join(',')}]}`
  }
  const sold = seatMap.areas.map(({ areaId, name, capacity, shape, areaNo }) => {
    return { area_id: areaId, name, capacity, price_level: levelKey(areas[areaNo]!.level), shape }
  })
  yield `],"areas":${JSON.stringify(sold)},"scenery":${JSON.stringify(seatMap.scenery)}}`

  function writeRow({ label, firstSeat, seatCount }: Row): string {
    const seats: string[] = []
    for (let n = firstSeat; n < firstSeat + seatCount; n++) {
      const at = `"x":${rounded(seatMap.x[n]!)},"y":${rounded(seatMap.y[n]!)}`
      const attributes = JSON.stringify(attributesOf(seatMap.attributes[n]!, seatMap.attributeNames))
      seats.push(
        `{"seat_id":${JSON.stringify(seatMap.seatIdOf(n))},"seat_no":${n},"number":${text(seatMap.numberLabels[seatMap.number[n]!]!)},` +
          `${at},"price_level":${text(levelKey(seatLevel[n]!))},"attributes":${attributes}}`,
      )
    }
    return `{"row":${text(label)},"seats":[${seats.join(',')}]}`
  }
}

/** Quotes words as JSON, each once: rows and levels repeat the same few. */
function texts(): (word: string) => string {
  const quoted = new Map<string, string>()
  return word => {
    let text = quoted.get(word)
    if (text === undefined) {
      text = JSON.stringify(word)
      quoted.set(word, text)
    }
    return text
  }
}
