import pg from 'pg'

/**
 * A pool whose connections are heard for good. One that breaks as it passes from one caller to the next is nobody's, and an error that
 * nobody hears ends the process; heard, it is what the next question fails with.
 */
export function createPool(config: pg.PoolConfig): pg.Pool {
  return new pg.Pool(config).on('connect', client => client.on('error', () => {}))
}

/**
 * Runs `work` over a connection of its own, outside of any pool. One that breaks between two questions says so to whoever asks next, not to
 * the whole process.
 */
export async function overOneConnection<T>(
  { url, name }: { url: string /** Shown in pg_stat_activity. */; name: string },
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: name })
  client.on('error', () => {}) // the next question fails with it
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => {}) // broken: it has ended
  }
}
