import type { MemoryTx } from '#platform/memory/memory-tx.ts'
import type { prepareInventory } from '../prepare-inventory.sql.ts'
import { areas, seatBlocks, seats } from './tables.ts'

/** Twin of `prepareInventory`. */
export async function prepareMemoryInventory(
  tx: MemoryTx,
  { eventNo, seatCount, areas: offered, blocked = [] }: Parameters<typeof prepareInventory>[1],
): Promise<void> {
  const setAside = new Set(blocked.map(seat => seat.seatNo))
  await tx.insert(
    seatBlocks,
    blocked.map(seat => ({ eventNo, ...seat })),
  )
  await tx.insert(
    seats,
    Array.from({ length: seatCount }, (_, seatNo) => ({
      eventNo,
      seatNo,
      status: setAside.has(seatNo) ? ('blocked' as const) : ('available' as const),
      generation: 0,
      heldUntil: null,
      reservationId: null,
    })),
  )
  await tx.insert(
    areas,
    offered.map(area => ({ eventNo, ...area, available: area.capacity, setAside: 0, generation: 0 })),
  )
}
