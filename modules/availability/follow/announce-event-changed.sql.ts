import type { Tx } from '#platform/postgres/database.ts'

/** Tells every process, this one too, that an event is another version now; in the transaction that changes it. */
export async function announceEventChanged(tx: Tx, { eventNo }: { eventNo: number }): Promise<void> {
  await tx.query(
    `insert into holdfast.outbox (occurred_at, event_no, type) values (holdfast.clock(), $1, 'EventChanged')`,
    [eventNo],
  )
}
