import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startOwnServer } from '../../fans/own-server.ts'
import { type FuzzOptions, fuzz } from './fuzz.ts'
import type { FuzzReport } from './report.ts'

/** The option of Node that has the prototypes of a process watched. */
export function watchingPrototypes(file: string): string {
  const watcher = new URL('watch-prototypes.mjs', import.meta.url)
  watcher.searchParams.set('file', file)
  return `--import=${watcher}`
}

/** A box office of its own, whose prototypes are watched, and which believes the addresses that we say we come from. */
export async function fuzzOwnServer(options: Omit<FuzzOptions, 'server'>): Promise<FuzzReport> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-fuzz-'))
  const file = join(folder, 'prototypes')
  const server = await startOwnServer({
    HOLDFAST_TRUSTED_PROXIES: '127.0.0.1',
    NODE_OPTIONS: watchingPrototypes(file),
  })
  try {
    const report = await fuzz({ ...options, server }).finally(() => server.stop())
    const lines = (await readFile(file, 'utf8')).trim().split('\n')
    if (!lines.some(line => line.startsWith('watching'))) throw new Error('nobody watched the prototypes of the server')
    const changed = lines.filter(line => !line.startsWith('watching'))
    for (const line of changed) options.tell(`changed: ${line}`)
    return { ...report, prototypes_changed: changed.length }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
