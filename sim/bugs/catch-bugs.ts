import { importMutant } from '#platform/test-mutant.ts'
import type { SigningKeys } from '#tickets'
import { runCampaign } from '../campaign.ts'
import type * as Play from '../play.ts'
import type { PlantedBug } from './bugs.ts'

export type CaughtBug = {
  failure: string
  bug: string
  /** How many seeds and seconds it took, and what was seen; null if it was not caught. */
  caught: { seeds: number; seconds: number; seen: string } | null
}

/** A bug that takes longer than this to show would not be found while somebody waits. */
const patienceMs = 60_000
const seedsMax = 3000
const controlSeeds = 100

/** A mutant is a copy; so that all of its modules are copies of one kind, all that a sale needs is copied. */
const copied = {
  'availability/index.ts': [],
  'notifications/index.ts': [],
  'reservations/index.ts': [],
  'payments/index.ts': [],
  'tickets/index.ts': [],
  'checkout/index.ts': [],
}
const entry = new URL('../play.ts', import.meta.url)

/** Plants each bug in a copy of the product and plays until something is seen. */
export async function catchBugs(options: {
  keys: SigningKeys
  chosen: readonly PlantedBug[]
  tell?: (line: string) => void
}): Promise<CaughtBug[]> {
  const { keys, chosen, tell = () => {} } = options
  const results: CaughtBug[] = []
  // A copy without a bug must be sound, or whatever is seen says nothing.
  const whole = await importMutant<typeof Play>(entry, copied)
  const control = await runCampaign({ play: whole.play, keys, from: 1, seeds: controlSeeds, violationsMax: 1 })
  if (control.violations > 0) throw new Error(`without any bug: ${control.found[0]!.what[0]}`)
  for (const { failure, bug, changes } of chosen) {
    const { play } = await importMutant<typeof Play>(entry, { ...copied, ...changes })
    const startedAt = performance.now()
    const report = await runCampaign({
      play,
      keys,
      from: 1,
      seeds: seedsMax,
      violationsMax: 1,
      isOver: () => performance.now() - startedAt > patienceMs,
    })
    const [violation] = report.found
    const seen = violation?.what[0]?.split('\n')[0]
    const caught = seen === undefined ? null : { seeds: report.seeds, seconds: report.seconds, seen }
    results.push({ failure, bug, caught })
    tell(lineOf(results.at(-1)!))
  }
  return results
}

export function printedBugs(caught: readonly CaughtBug[]): string {
  const missed = caught.filter(({ caught: found }) => found === null).length
  return `${caught.map(lineOf).join('\n')}\n${caught.length - missed} of ${caught.length} caught`
}

function lineOf({ failure, bug, caught }: CaughtBug): string {
  return caught === null
    ? `${failure}  NOT CAUGHT  ${bug}`
    : `${failure}  ${caught.seeds} seeds, ${caught.seconds} s  ${bug}: ${caught.seen.slice(0, 140)}`
}
