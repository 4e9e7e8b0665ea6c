import { importDemo } from '#catalog'
import type { Queryable } from '#platform/postgres/database.ts'

/** Puts the demo events on sale in an empty catalogue, through the API that an organiser uses. */
export async function seedDemo(options: {
  url: string
  db: Queryable
  token: () => Promise<string>
  now: number
  note: (line: string) => void
}): Promise<void> {
  const { rows } = await options.db.query('select from holdfast.events limit 1')
  if (rows.length > 0) return
  options.note('The catalogue is empty: importing the demo venues and events.')
  await importDemo({
    baseUrl: options.url,
    token: await options.token(),
    now: options.now,
    log: line => options.note(`  ${line}`),
  })
}
