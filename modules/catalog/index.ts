export type { Event, HoldPolicy, PriceLevel, Venue } from './events/event.ts'
export { type EventStatus, eventStatuses, statusAt } from './events/event-status.ts'
export { type Area, type Category, type Row, type Seat, SeatMap, type Section } from './seat-map/seat-map.ts'
