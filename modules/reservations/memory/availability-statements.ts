import { toUuid } from '#kernel/ids.ts'
import type { MemoryTx } from '#platform/memory/memory-tx.ts'
import type { MemoryStatements } from '#platform/memory/statements.ts'
import { areas, reservations, salesFence, seats } from './tables.ts'
import { tell } from './tell.ts'

const statuses = ['available', 'held', 'reserved', 'sold', 'blocked']
const seatBytes = 18

/** Twins of what availability asks of these tables. */
export const availabilityStatements: MemoryStatements = {
  surroundings_1: (tx, [eventNos]: [number[]]) =>
    tx.read('surroundings', view => {
      const fence = view.rows(salesFence)[0]
      if (fence === undefined) return []
      const head = { now: tx.now(), lineage: `memory ${fence.epoch}` }
      const counted = view.rows(areas, { where: area => eventNos.includes(area.eventNo) })
      return counted.length === 0
        ? [{ ...head, event_no: null }]
        : counted.map(({ eventNo, areaNo, generation, available }) => {
            return { ...head, event_no: eventNo, area_no: areaNo, generation, available }
          })
    }),

  stored_seats_1: (tx, [eventNo]: [number]) =>
    tx.read('stored seats', view => {
      const stored = view.rows(seats, {
        where: seat => seat.eventNo === eventNo && (seat.generation > 0 || seat.status !== 'available'),
      })
      const packed = Buffer.alloc(stored.length * seatBytes)
      for (const [i, seat] of stored.entries()) {
        packed.writeInt32BE(seat.seatNo, i * seatBytes)
        packed.writeInt32BE(seat.generation, i * seatBytes + 4)
        packed.writeInt16BE(statuses.indexOf(seat.status), i * seatBytes + 8)
        packed.writeDoubleBE(seat.heldUntil ?? 0, i * seatBytes + 10)
      }
      return [{ packed }]
    }),

  stored_areas_1: (tx, [eventNo]: [number]) =>
    tx.read('stored areas', view =>
      view
        .rows(areas, { where: area => area.eventNo === eventNo })
        .map(({ areaNo, generation, available }) => ({ area_no: areaNo, generation, available })),
    ),

  stored_users_1: (tx, [eventNo]: [number]) =>
    tx.read('stored users', view => {
      const users = new Set(
        view.rows(reservations, { where: row => row.eventNo === eventNo }).map(row => toUuid(row.userId)),
      )
      return [{ packed: Buffer.from([...users].join('').replaceAll('-', ''), 'hex') }]
    }),
}

/** Twin of `announceEventChanged`: whoever follows seats hears that the event is another now. */
export async function announceMemoryEventChanged(tx: MemoryTx, eventNo: number): Promise<void> {
  await tell(tx, [{ occurredAt: tx.now(), eventNo, type: 'EventChanged', origin: 'staff', seats: [] }])
}
