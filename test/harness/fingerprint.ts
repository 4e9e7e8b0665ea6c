import type { Queryable } from '#platform/postgres/database.ts'

/**
 * What the record is, in one line a table: how many rows, and a digest of all that they say. Without the places of those who
 * read messages, which move by themselves, and the clock of the tests.
 */
export async function fingerprint(db: Queryable): Promise<Record<string, string>> {
  const { rows: tables } = await db.query<{ name: string }>(
    `select c.relname as name from pg_class c
     where c.relnamespace = 'holdfast'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and c.relname not in ('message_cursors', 'inbox', 'sale_figures', 'test_clock')
     order by c.relname`,
  )
  const prints: Record<string, string> = {}
  for (const { name } of tables) {
    const { rows } = await db.query<{ print: string }>(
      `select concat(count(*), ' rows ', md5(string_agg(t::text, '|' order by t::text))) as print from holdfast.${name} t`,
    )
    prints[name] = rows[0]!.print
  }
  return prints
}
