import type { MemoryTx } from '#platform/memory/memory-tx.ts'
import type { SeatChange } from '../ports.ts'
import { type OutboxRow, outbox } from './tables.ts'

type Message = Pick<OutboxRow, 'occurredAt' | 'eventNo' | 'type' | 'origin'> &
  Partial<Pick<OutboxRow, 'subject' | 'revision' | 'userId' | 'heldUntil' | 'data'>> & { seats: readonly SeatChange[] }

/** Writes messages into the outbox, in the transaction of what they tell. */
export async function tell(tx: MemoryTx, messages: readonly Message[]): Promise<void> {
  if (messages.length === 0) return
  await tx.insert(
    outbox,
    messages.map(({ seats, ...message }) => ({
      position: tx.next('outbox position'),
      xid: tx.id,
      subject: null,
      revision: 0,
      userId: null,
      heldUntil: null,
      data: null,
      ...message,
      seatNos: seats.map(seat => seat.seatNo),
      seatGenerations: seats.map(seat => seat.generation),
    })),
  )
}
