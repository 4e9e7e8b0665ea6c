import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const test = fileURLToPath(new URL('../modules/checkout/test/twin.slow.test.ts', import.meta.url))

/**
 * So many sequences of a hundred commands, carried out on PostgreSQL and on the twin that runs are played on, and compared after each
 * command. It is the test of the twin, at length: the first sequence that differs ends it.
 */
export function compareWithPostgres(sequences: number): { sequences: number; divergences: number } {
  const { status } = spawnSync(process.execPath, ['--test', test], {
    stdio: ['ignore', process.stderr, process.stderr],
    env: { ...process.env, HOLDFAST_TEST_ROUNDS: String(sequences) },
  })
  return { sequences, divergences: status === 0 ? 0 : 1 }
}
