import { assert } from '#kernel/assert.ts'
import type { Tx } from '#platform/postgres/database.ts'

/** What decides about a late payment, in the snapshot of the transaction that decides. */
export async function eventPolicy(
  tx: Tx,
  eventNo: number,
): Promise<{ status: string; latePayment: 'reclaim' | 'refund' }> {
  const { rows } = await tx.query<{ status: string; late_payment: 'reclaim' | 'refund' }>({
    name: 'event_policy_1',
    text: 'select status::text as status, late_payment from holdfast.events where event_no = $1',
    values: [eventNo],
  })
  assert(rows[0] !== undefined, 'the event of a reservation exists')
  return { status: rows[0].status, latePayment: rows[0].late_payment }
}
