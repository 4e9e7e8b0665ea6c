import type { SigningKeys } from '#tickets'
import type { Played, play } from './play.ts'
import { rareStates, reachedStates } from './rare-states.ts'
import { faultNames } from './weather.ts'

export type Violation = {
  seed: number
  steps: number
  what: string[]
  /** The same seed in the calmest weather in which it still goes wrong: the shortest way to look at it. */
  calmest?: { without: string[]; steps: number }
}

export type CampaignReport = {
  seeds: number
  steps: number
  steps_least: number
  seconds: number
  seeds_per_hour: number
  violations: number
  found: Violation[]
  /** What went wrong on purpose, by kind. */
  faults: Record<string, number>
  /** How often each named state was reached. */
  states: Record<string, number>
  /** Named states that a long run did not reach. */
  unreached: string[]
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
  /** Looks for the calmest weather of each violation. */
  shrinks?: boolean
  tell?: (done: number, violations: number) => void
}

/** A state that is rare may be missing from a few runs. From so many on, one that never came is a fault of the simulation. */
const seedsForAllStates = 2000

/** Many seeds, one after the other. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const {
    play,
    keys,
    from,
    seeds,
    violationsMax = 20,
    isOver = () => false,
    shrinks = false,
    tell = () => {},
  } = options
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
      violations.push({
        seed: played.seed,
        steps: played.steps,
        what: played.violations,
        ...(shrinks && { calmest: await calmestOf(play, played.seed, keys) }),
      })
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
    violations: violations.length,
    found: violations,
    faults: faultsOf(counted),
    states,
    unreached: done < seedsForAllStates ? [] : Object.keys(rareStates).filter(name => states[name] === 0),
  }
}

/** Takes one fault after the other out of the weather, for good if the seed goes wrong without it as well. */
async function calmestOf(
  playSeed: typeof play,
  seed: number,
  keys: SigningKeys,
): Promise<{ without: string[]; steps: number }> {
  const without: string[] = []
  let steps = Number.POSITIVE_INFINITY
  for (const fault of faultNames) {
    const tried = await playSeed(seed, { keys, without: [...without, fault] })
    if (tried.violations.length === 0) continue
    without.push(fault)
    steps = tried.steps
  }
  if (without.length === 0) steps = (await playSeed(seed, { keys })).steps
  return { without, steps }
}

const faultKinds: Readonly<Record<string, string>> = {
  statement_failed: 'statement failed',
  statement_slow: 'slow statement',
  commit_refused: 'commit abort',
  commit_request_lost: 'commit lose-request',
  commit_answer_lost: 'commit lose-answer',
  call_refused: 'call refused',
  call_request_lost: 'request lost',
  call_answer_lost: 'answer lost',
  call_slow: 'slow call',
  bank_failed: "the bank's own failure",
  bank_away: 'outage of the bank',
  webhook_lost: 'webhook lost',
  webhook_copied: 'webhook copied',
  crash: 'crash',
  pause: 'pause',
}

function faultsOf(counted: Readonly<Record<string, number>>): Record<string, number> {
  const entries = Object.entries(counted)
  return Object.fromEntries(
    Object.entries(faultKinds).map(([kind, beginning]) => [
      kind,
      entries.reduce((sum, [what, count]) => sum + (what.startsWith(beginning) ? count : 0), 0),
    ]),
  )
}

export function isSound({ violations, unreached }: CampaignReport): boolean {
  return violations === 0 && unreached.length === 0
}

export function printed(report: CampaignReport): string {
  const states = Object.entries(report.states).sort(([, a], [, b]) => a - b)
  return [
    `${report.seeds} seeds in ${report.seconds} s (${report.seeds_per_hour} an hour), ${Math.round(report.steps / Math.max(1, report.seeds))} steps each, ${report.steps_least} at least`,
    ...report.found.map(
      ({ seed, steps, what, calmest }) =>
        `VIOLATION at seed ${seed} after ${steps} steps: ${what.slice(0, 3).join('; ').slice(0, 600)}\n  again, with its trace: npm run sim -- --seed ${seed}${calmest === undefined ? '' : ` --without ${calmest.without.join(',')}   (${calmest.steps} steps)`}`,
    ),
    ...report.unreached.map(name => `NEVER REACHED: ${name}`),
    `rarest states: ${states
      .slice(0, 6)
      .map(([name, times]) => `${name} ${times}`)
      .join(', ')}`,
    isSound(report) ? 'no violation' : `${report.violations} violations`,
  ].join('\n')
}
