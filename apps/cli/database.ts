import { resolve } from 'node:path'
import type { Config } from '#platform/config/config.ts'
import { startEmbeddedPostgres } from '#platform/postgres/embedded/index.ts'
import type { Terminal } from './terminal.ts'

/**
 * Gives `work` the URL of the database of these settings, without a pooler in between. The embedded server is adopted if it
 * runs, otherwise started and stopped again; whoever only looks does not make one.
 */
export async function withDatabase<T>(
  config: Config,
  terminal: Terminal,
  work: (url: string) => Promise<T>,
  { make = false }: { make?: boolean } = {},
): Promise<T> {
  const url = config.DATABASE_DIRECT_URL ?? config.DATABASE_URL
  if (url !== undefined) return work(url)
  const server = await startEmbeddedPostgres({
    dataDir: embeddedFolder(config),
    ...(config.HOLDFAST_BACKUP_DIR !== undefined && { backupDir: resolve(config.HOLDFAST_BACKUP_DIR) }),
    make,
    log: terminal.note,
  })
  try {
    return await work(server.url)
  } finally {
    await server.stop()
  }
}

export function embeddedFolder(config: Config): string {
  return resolve(config.HOLDFAST_DATA, 'pg')
}
