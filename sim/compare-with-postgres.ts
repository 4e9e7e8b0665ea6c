import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startTestPostgres } from '#platform/postgres/test-database.ts'

const test = fileURLToPath(new URL('../modules/checkout/test/twin.slow.test.ts', import.meta.url))

/**
 * So many sequences of a hundred commands, carried out on PostgreSQL and on the twin that runs are played on, and compared after each
 * command. It is the test of the twin, at length, with one server for all: the first sequence that differs ends it.
 */
export async function compareWithPostgres(sequences: number): Promise<{ sequences: number; divergences: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-tests-'))
  const server = await startTestPostgres(join(folder, 'pg'))
  try {
    const given = { HOLDFAST_TEST_ROUNDS: String(sequences), HOLDFAST_TEST_POSTGRES: server.url, TMPDIR: folder }
    const env = { ...process.env, ...given }
    const child = spawn(process.execPath, ['--test', test], { stdio: ['ignore', process.stderr, process.stderr], env })
    const [code] = await once(child, 'exit')
    return { sequences, divergences: code === 0 ? 0 : 1 }
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
