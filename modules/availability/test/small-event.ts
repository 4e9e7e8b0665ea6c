import { type EventDefinition, SeatMap } from '#catalog'
import type { EventId, SeatMapId, VenueId } from '#kernel/ids.ts'

/** Sections of one row each, and standing areas, where nothing but their numbers matters. */
export function smallMap({ sections = [4, 3], areas = [] as number[] } = {}): SeatMap {
  const names = ['A', 'B', 'C', 'D', 'E', 'F']
  const seatCount = sections.reduce((sum, count) => sum + count, 0)
  const firstSeat = (no: number) => sections.slice(0, no).reduce((sum, count) => sum + count, 0)
  const widest = Math.max(0, ...sections)
  return new SeatMap({
    name: 'Small hall',
    size: { width: 100, height: 100 },
    seatRadius: 5,
    categories: [{ name: 'Standard', color: '#0072b2' }],
    sections: sections.map((count, no) => {
      return { name: names[no]!, firstSeat: firstSeat(no), seatCount: count, firstRow: no, rowCount: 1 }
    }),
    rows: sections.map((count, no) => ({ section: no, label: '1', firstSeat: firstSeat(no), seatCount: count })),
    areas: areas.map((capacity, areaNo) => {
      return { areaNo, areaId: `floor-${areaNo}`, name: `Floor ${areaNo}`, capacity, category: 0, shape: null }
    }),
    scenery: [],
    x: new Float32Array(seatCount),
    y: new Float32Array(seatCount),
    category: new Uint8Array(seatCount),
    attributes: new Uint16Array(seatCount),
    attributeNames: [],
    number: Uint32Array.from(sections.flatMap(count => Array.from({ length: count }, (_, i) => i))),
    numberLabels: Array.from({ length: widest }, (_, i) => String(i + 1)),
    joinsNext: new Uint8Array(seatCount),
  })
}

/** An event of that map whose first price level is dearer than the second; all seats cost the first. */
export function smallEvent(seatMap: SeatMap): EventDefinition {
  return {
    eventNo: 1,
    eventId: 'evt_01kap0000000000000000000000' as EventId,
    version: 1,
    seatMapId: 'map_x' as SeatMapId,
    seatMapVersion: 1,
    status: 'onsale',
    slug: 'evening',
    name: 'Evening',
    artist: null,
    description: null,
    imageUrl: null,
    venue: { venueId: 'ven_x' as VenueId, name: 'Hall', city: 'Bern', country: 'CH', timezone: 'Europe/Zurich' },
    startsAt: 0,
    doorsAt: null,
    onsaleAt: null,
    currency: 'CHF',
    ticketLimit: 10,
    holdPolicy: { hold_seconds: 600, max_extensions: 1, extension_seconds: 300, single_seat_rule: 'enforce' },
    latePayment: 'reclaim',
    returns: 'blocked',
    priceLevels: [
      { no: 0, key: 'Standard', name: 'Standard', amount: 5000, color: '#0072b2' },
      { no: 1, key: 'Reduced', name: 'Reduced', amount: 3000, color: '#e69f00' },
    ],
    seatMap,
    geometryHash: '',
    seatLevel: new Uint8Array(seatMap.seatCount),
    levelKey: no => (no === 0 ? 'Standard' : 'Reduced'),
    areas: seatMap.areas.map(({ areaNo, areaId, capacity }) => ({ areaNo, areaId, capacity, level: 0 })),
  }
}
