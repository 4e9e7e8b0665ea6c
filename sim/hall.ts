import { type EventDefinition, SeatMap } from '#catalog'
import { type EventId, fromUuid, type SeatMapId, type VenueId } from '#kernel/ids.ts'

export const eventNo = 1
const eventId = fromUuid('evt', '01900000-0000-7000-8000-000000000001') as EventId
const price = 2500

/** The one event of a town, as its definition says that it is: one row of seats, and a floor. */
export function defineEvent(plan: {
  seats: number
  places: number
  isFree: boolean
  holdSeconds: number
  extensionSeconds: number
  latePayment: 'reclaim' | 'refund'
  returns: 'available' | 'blocked'
  singleSeatRule: 'enforce' | 'allow'
}): EventDefinition {
  const { seats, places, holdSeconds, extensionSeconds, latePayment, returns, singleSeatRule } = plan
  const seatMap = new SeatMap({
    name: 'Town hall',
    size: { width: 100, height: 100 },
    seatRadius: 5,
    categories: [{ name: 'Standard', color: '#0072b2' }],
    sections: [{ name: 'A', firstSeat: 0, seatCount: seats, firstRow: 0, rowCount: 1 }],
    rows: [{ section: 0, label: '1', firstSeat: 0, seatCount: seats }],
    areas: [{ areaNo: 0, areaId: 'FLOOR', name: 'Floor', capacity: places, category: 0, shape: null }],
    scenery: [],
    x: Float32Array.from({ length: seats }, (_, i) => i * 10),
    y: new Float32Array(seats),
    category: new Uint8Array(seats),
    attributes: new Uint16Array(seats),
    attributeNames: [],
    number: Uint32Array.from({ length: seats }, (_, i) => i),
    numberLabels: Array.from({ length: seats }, (_, i) => String(i + 1)),
    joinsNext: Uint8Array.from({ length: seats }, (_, i) => (i < seats - 1 ? 1 : 0)),
  })
  return {
    eventNo,
    eventId,
    version: 1,
    seatMapId: 'map_town' as SeatMapId,
    seatMapVersion: 1,
    status: 'onsale',
    slug: 'town',
    name: 'An evening in town',
    artist: null,
    description: null,
    imageUrl: null,
    venue: {
      venueId: 'ven_town' as VenueId,
      name: 'Town hall',
      city: 'Bern',
      country: 'CH',
      timezone: 'Europe/Zurich',
    },
    startsAt: Date.UTC(2031, 8, 1, 19),
    doorsAt: null,
    onsaleAt: null,
    currency: 'EUR',
    ticketLimit: 20,
    holdPolicy: {
      hold_seconds: holdSeconds,
      max_extensions: 1,
      extension_seconds: extensionSeconds,
      single_seat_rule: singleSeatRule,
    },
    latePayment,
    returns,
    priceLevels: [{ no: 0, key: 'Standard', name: 'Standard', amount: plan.isFree ? 0 : price, color: '#0072b2' }],
    seatMap,
    geometryHash: '',
    seatLevel: new Uint8Array(seats),
    levelKey: () => 'Standard',
    areas: [{ areaNo: 0, areaId: 'FLOOR', capacity: places, level: 0 }],
  }
}
