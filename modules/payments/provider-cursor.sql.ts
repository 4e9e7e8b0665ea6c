import type { Queryable } from '#platform/postgres/database.ts'

/**
 * Takes the reading of the provider's list for a while; null while another process has it. `readUntil` is how far it was read,
 * milliseconds since 1970.
 */
export async function leaseCursor(
  db: Queryable,
  provider: string,
  leaseMs: number,
): Promise<{ readUntil: number; now: number } | null> {
  const { rows } = await db.query<{ read_until: number; now: number }>({
    name: 'lease_cursor_1',
    text: `insert into holdfast.provider_cursors as c (provider, read_until, leased_until)
     values ($1, holdfast.clock() - interval '1 hour', holdfast.clock() + $2 * interval '1 millisecond')
     on conflict (provider) do update set leased_until = excluded.leased_until where c.leased_until <= holdfast.clock()
     returning read_until, (extract(epoch from holdfast.clock()) * 1000)::int8 as now`,
    values: [provider, leaseMs],
  })
  return rows[0] === undefined ? null : { readUntil: rows[0].read_until, now: rows[0].now }
}

/** Everything told before `readUntil` is in the inbox. */
export async function moveCursor(db: Queryable, provider: string, readUntil: number): Promise<void> {
  await db.query({
    name: 'move_cursor_1',
    text: `update holdfast.provider_cursors
     set read_until = greatest(read_until, $2), leased_until = '-infinity', last_compared_at = holdfast.clock()
     where provider = $1`,
    values: [provider, new Date(readUntil).toISOString()],
  })
}
