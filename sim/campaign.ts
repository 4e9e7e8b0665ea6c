import type { SigningKeys } from '#tickets'
import type { Played, play } from './play.ts'
import { rareStates, reachedStates } from './rare-states.ts'

export type Violation = { seed: number; steps: number; what: string[] }

export type CampaignReport = {
  seeds: number
  steps: number
  steps_least: number
  seconds: number
  seeds_per_hour: number
  violations: Violation[]
  /** How often each named state was reached. */
  states: Record<string, number>
  never_reached: string[]
  /** Faults and whatever else was counted, by name. */
  counted: Record<string, number>
}

export type CampaignOptions = {
  play: typeof play
  keys: SigningKeys
  from: number
  seeds: number
  /** Ends after so many violations. */
  violationsMax?: number
  /** Ends when this says so. */
  isOver?: () => boolean
  tell?: (done: number, violations: number) => void
}

/** A state that is rare may be missing from a few runs. From so many on, one that never came is a fault of the simulation. */
const seedsForAllStates = 2000

/** Many seeds, one after the other. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const { play, keys, from, seeds, violationsMax = 20, isOver = () => false, tell = () => {} } = options
  const startedAt = performance.now()
  const counted: Record<string, number> = {}
  const violations: Violation[] = []
  let steps = 0
  let stepsLeast = Number.POSITIVE_INFINITY
  let done = 0
  for (; done < seeds && violations.length < violationsMax && !isOver(); done++) {
    const played: Played = await play(from + done, { keys })
    steps += played.steps
    stepsLeast = Math.min(stepsLeast, played.steps)
    for (const [what, times] of Object.entries(played.states)) counted[what] = (counted[what] ?? 0) + times
    if (played.violations.length > 0)
      violations.push({ seed: played.seed, steps: played.steps, what: played.violations })
    tell(done + 1, violations.length)
  }
  const seconds = (performance.now() - startedAt) / 1000
  const states = reachedStates(counted)
  return {
    seeds: done,
    steps,
    steps_least: done === 0 ? 0 : stepsLeast,
    seconds: Math.round(seconds * 10) / 10,
    seeds_per_hour: Math.round((done / seconds) * 3600),
    violations,
    states,
    never_reached: done < seedsForAllStates ? [] : Object.keys(rareStates).filter(name => states[name] === 0),
    counted,
  }
}

export function isSound({ violations, never_reached }: CampaignReport): boolean {
  return violations.length === 0 && never_reached.length === 0
}

export function printed(report: CampaignReport): string {
  const states = Object.entries(report.states).sort(([, a], [, b]) => a - b)
  return [
    `${report.seeds} seeds in ${report.seconds} s (${report.seeds_per_hour} an hour), ${Math.round(report.steps / Math.max(1, report.seeds))} steps each, ${report.steps_least} at least`,
    ...report.violations.map(
      ({ seed, steps, what }) =>
        `VIOLATION at seed ${seed} after ${steps} steps: ${what.slice(0, 3).join('; ').slice(0, 600)}\n  again, with its trace: npm run sim -- --seed ${seed}`,
    ),
    ...report.never_reached.map(name => `NEVER REACHED: ${name}`),
    `rarest states: ${states
      .slice(0, 6)
      .map(([name, times]) => `${name} ${times}`)
      .join(', ')}`,
    isSound(report) ? 'no violation' : `${report.violations.length} violations`,
  ].join('\n')
}
