export { announceMemoryEventChanged, availabilityStatements } from './availability-statements.ts'
export { logStatements } from './log-statements.ts'
export { plainPlaces } from './plain-places.ts'
export { prepareMemoryInventory } from './prepare-inventory.ts'
export { saleStatements } from './sale-statements.ts'
export { createMemoryStore } from './store.ts'
export {
  areas,
  eventKey,
  events,
  outbox,
  type ReservationRow,
  reservationKey,
  reservations,
  type SeatRow,
  salesFence,
  seats,
} from './tables.ts'
