import { globSync } from 'node:fs'

export type Kind = 'quick' | 'slow'

/** Every test file below `root`, by kind. Slow ones start whole servers, storms of buyers, or the tour; their name says so. */
export function testFiles(root: string): Record<Kind, string[]> {
  const files = globSync('**/*.test.ts', { cwd: root, exclude: ['**/node_modules', 'data'] }).sort()
  const { quick = [], slow = [] } = Object.groupBy(files, file => (file.endsWith('.slow.test.ts') ? 'slow' : 'quick'))
  // Those that need PostgreSQL take longest, and what is long should not begin last.
  return { quick: quick.sort((a, b) => Number(needsPostgres(b)) - Number(needsPostgres(a))), slow }
}

export function needsPostgres(file: string): boolean {
  return /\.(pg|slow)\.test\.ts$/.test(file)
}

/** The files whose path contains one of `parts`; all of them when there is none. */
export function filesMatching(files: string[], parts: string[]): string[] {
  const wanted = parts.map(part => part.replace(/^\.\//, ''))
  return wanted.length === 0 ? files : files.filter(file => wanted.some(part => file.includes(part)))
}

/**
 * These use every core themselves and are judged by the clock: side by side, each would measure the other. All other slow files
 * spend most of their time waiting.
 */
export const judgedByTheClock = [
  'modules/reservations/test/large-event.slow.test.ts',
  'test/everybody-at-will.slow.test.ts',
  'test/postgres-death.slow.test.ts',
  'test/same-key.slow.test.ts',
  'test/server-death.slow.test.ts',
  'test/stampede.slow.test.ts',
  'test/time.slow.test.ts',
]

export function inGroups(files: string[]): { together: string[]; alone: string[] } {
  const isAlone = (file: string) => judgedByTheClock.includes(file)
  return { together: files.filter(file => !isAlone(file)), alone: files.filter(isAlone) }
}
