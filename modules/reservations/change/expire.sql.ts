import type { Queryable } from '#platform/postgres/database.ts'

/**
 * Ends up to `limit` reservations that have run out, oldest first; returns how many. Reads the partial index of pending ones
 * by end, and skips what others work on, so that several sweepers share the work.
 */
export async function expireDue(db: Queryable, origin: string, limit: number): Promise<number> {
  const { rows } = await db.query<{ ended: number }>({
    name: 'expire_due_1',
    text: 'select holdfast.expire_due($1, $2) as ended',
    values: [limit, origin],
    commits: true,
  })
  return rows[0]!.ended
}
