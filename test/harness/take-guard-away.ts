import assert from 'node:assert/strict'
import type { Queryable } from '#platform/postgres/database.ts'

/**
 * For negative controls: writes a function of the test's database anew with one condition changed everywhere, as somebody
 * might who takes it for superfluous. Fails when the text is not there, so that a control cannot outlive its guard.
 */
export async function takeGuardAway(
  db: Queryable,
  { from, guard, instead }: { from: string; guard: string; instead: string },
): Promise<void> {
  const { rows } = await db.query<{ definition: string }>(
    `select pg_get_functiondef(p.oid) as definition
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname = 'holdfast' and p.proname = $1`,
    [from],
  )
  assert.equal(rows.length, 1, `there is one function ${from}`)
  const { definition } = rows[0]!
  assert.ok(definition.includes(guard), `${from} says "${guard}"`)
  await db.query(definition.replaceAll(guard, instead))
}
