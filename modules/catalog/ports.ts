import type { Tx } from '#platform/postgres/database.ts'

/** What the catalogue needs of others; the composition root supplies it. */
export interface CatalogPorts {
  /**
   * Makes the seats and areas of a new event in the same transaction: an event without its stock must not exist, not even
   * between two statements. Called once per event.
   */
  prepareInventory(tx: Tx, inventory: EventInventory): Promise<void>
  /** Tells other processes, through the outbox, that the event changed. Without it they notice within a second or two. */
  announceEventChanged?(tx: Tx, event: { eventNo: number; version: number }): Promise<void>
}

export interface EventInventory {
  eventNo: number
  /** Seats are numbered from 0. */
  seatCount: number
  areas: readonly { areaNo: number; areaId: string; capacity: number }[]
}
