export { type Availability, type AvailabilityOptions, createAvailability } from './availability.ts'
export { EventSeats, type SeatFact, type SeatStatus, seatShown, seatStatuses } from './event-seats.ts'
export { announceEventChanged } from './follow/announce-event-changed.sql.ts'
