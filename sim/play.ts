import { outbox } from '#reservations/memory'
import type { SigningKeys } from '#tickets'
import { Chance } from './chance.ts'
import { checkReaders, readLog } from './check-messages.ts'
import { checkFreeIsGiven, checkPictures, watchPictures } from './check-pictures.ts'
import { checkAtRest, isAtRest, restless } from './checks.ts'
import { beBuyer, beLatecomer, beStaff } from './people.ts'
import { drawPlan, Town } from './town.ts'
import { drawWeather, without as weatherWithout } from './weather.ts'

export type Played = {
  seed: number
  steps: number
  /** How often each state was reached. */
  states: Record<string, number>
  /** What went wrong; empty in a run as it should be. */
  violations: string[]
  trace: readonly string[]
}

/** While things fail, and how long everything then has to come to rest. Virtual milliseconds. */
const stormMs = 5 * 60_000
const restMs = 3 * 3_600_000
/** A webhook that comes three days late is still a webhook. */
const lateWebhooksMs = 80 * 3_600_000
/** How much more rarely jobs turn in a calm, and in days in which nothing happens. */
const calmLeisure = 8
const daysLeisure = 3000
const lookEveryMs = 10_000

/** One run: a town, a storm, a calm in which everything must come to rest, and the checks. */
export async function play(
  seed: number,
  { keys, keepTrace = false, without = [] }: { keys: SigningKeys; keepTrace?: boolean; without?: readonly string[] },
): Promise<Played> {
  const chance = new Chance(seed)
  const plan = drawPlan(chance)
  const weather = weatherWithout(drawWeather(chance), without)
  const town = new Town({ chance, plan, weather, keys, keepTrace })
  const { timeline, violations } = town
  try {
    await town.open()
    for (let i = 0; i < plan.buyers; i++) {
      const own = chance.fork()
      town.welcome(() => beBuyer(town, own))
    }
    for (let i = 0; i < weather.latecomers; i++) {
      const own = chance.fork()
      town.welcome(() => beLatecomer(town, own))
    }
    for (let i = 0; i < weather.staff; i++) {
      const own = chance.fork()
      town.welcome(() => beStaff(town, own))
    }
    const opened = timeline.now()
    const watched = new WeakSet()
    for (let until = lookEveryMs; until <= stormMs && violations.length === 0; until += lookEveryMs) {
      watchPictures(town, watched)
      await timeline.run({ until: opened + until })
    }
    town.clearUp()
    town.leisure = calmLeisure
    await comeToRest(town, { withinMs: restMs, isDone: () => town.hasGoneHome && isAtRest(town) })
    // Days in which nothing happens but that webhooks arrive.
    town.leisure = daysLeisure
    await comeToRest(town, { withinMs: lateWebhooksMs, isDone: () => town.isQuiet && isAtRest(town) })
    if (violations.length === 0) violations.push(...checkAtRest(town))
    if (violations.length === 0) violations.push(...(await checkAfterwards(town, chance.fork())))
  } catch (error) {
    violations.push((error as Error).stack ?? String(error))
  }
  return { seed, steps: timeline.steps, states: town.states, violations, trace: timeline.trace }
}

/** Long enough, at leisure, that each process has looked once more what others have committed. */
const lookMs = 3 * 5000 * daysLeisure

/** What is asked of the box office itself, once nothing happens any more. */
async function checkAfterwards(town: Town, chance: Chance): Promise<string[]> {
  const { timeline, database } = town
  // A process that stood still may go on with what it was at, and hold something for nobody.
  for (let known = -1; known !== database.rows(outbox).length; ) {
    known = database.rows(outbox).length
    await timeline.run({ until: timeline.now() + lookMs })
  }
  const wrong: string[] = []
  let isDone = false
  timeline.start(async () => {
    wrong.push(...checkPictures(town), ...checkReaders(town, await readLog(town)))
    wrong.push(...(await checkFreeIsGiven(town, chance)))
    isDone = true
  })
  await timeline.run({ until: timeline.now() + lookMs, isDone: () => isDone })
  return isDone ? wrong : [...wrong, 'the box office does not answer, and nothing happens']
}

async function comeToRest(
  town: Town,
  { withinMs, isDone }: { withinMs: number; isDone: () => boolean },
): Promise<void> {
  const { timeline, violations } = town
  const deadline = timeline.now() + withinMs
  while (violations.length === 0 && !isDone()) {
    if (timeline.now() >= deadline) {
      violations.push(`not at rest after ${withinMs / 3_600_000} hours: ${restless(town).join('; ')}`)
      return
    }
    await timeline.run({ until: timeline.now() + lookEveryMs * town.leisure })
  }
}
