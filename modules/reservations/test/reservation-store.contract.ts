import assert from 'node:assert/strict'
import fc from 'fast-check'
import { advanceDraft, buyerDraft, Cast, type Command, type Draft, draft, halls, perform } from './commands.ts'
import type { Answered } from './competition.ts'
import { brokenRules } from './invariants.ts'
import { explainRound } from './serial-order.ts'
import { type MemoryStand, memoryStand, type Stand } from './stand.ts'

/**
 * What both stores are held to. `HOLDFAST_CHECK_RUNS` multiplies the runs; a failure tells the seed and the path that repeat it.
 */
const times = Number(process.env.HOLDFAST_CHECK_RUNS ?? 1)
const pinnedSeed = Number(process.env.HOLDFAST_TEST_SEED ?? 20261121)

/** Runs a property with a pinned seed; the message of a failure has the line that repeats it. */
export async function holds<Drawn extends [unknown, ...unknown[]]>(
  property: fc.IAsyncProperty<Drawn>,
  { runs, file }: { runs: number; file: string },
): Promise<void> {
  const path = process.env.HOLDFAST_CHECK_PATH
  const result = await fc.check(property, {
    seed: pinnedSeed,
    numRuns: runs * times,
    ...(path !== undefined && { path, endOnFailure: true }),
  })
  if (!result.failed) return
  const report = fc.defaultReportMessage(result)
  const again = `HOLDFAST_TEST_SEED=${result.seed} HOLDFAST_CHECK_PATH=${result.counterexamplePath} node --test ${file}`
  throw new assert.AssertionError({ message: `${report}\n\nRepeat with: ${again}` })
}

export const sequence = fc.array(draft, { minLength: 20, maxLength: 50, size: 'max' })

/** One after the other, two stores answer alike at every step and end with the same tables. */
export async function assertAgree(one: Stand, other: Stand, drafts: readonly Draft[]): Promise<void> {
  const cast = new Cast()
  await begin(one)
  await begin(other)
  for (const [step, drafted] of drafts.entries()) {
    for (const command of cast.resolve(drafted, await other.tables(), other.now())) {
      const [answer, expected] = [await perform(one, command), await perform(other, command)]
      assert.deepEqual(answer, expected, `step ${step}: ${JSON.stringify(command)}`)
    }
  }
  const tables = await one.tables()
  assert.deepEqual(tables, await other.tables())
  assert.deepEqual(brokenRules(tables, one.now()), [])
}

export type Round = { before: Draft[]; lanes: Draft[][] }

export const rounds = fc.array(
  fc.record<Round>({
    before: fc.array(fc.oneof({ weight: 3, arbitrary: buyerDraft }, { weight: 1, arbitrary: advanceDraft }), {
      maxLength: 6,
    }),
    lanes: fc.array(fc.array(buyerDraft, { minLength: 1, maxLength: 2 }), { minLength: 2, maxLength: 3, size: 'max' }),
  }),
  { minLength: 2, maxLength: 4, size: 'max' },
)

/** Starts all tasks together and ends when all have. Tells the events in which it held locks of its own meanwhile. */
export type Race = (tasks: (() => Promise<void>)[]) => Promise<{ lockedEvents: number[] }>

/** Several at once, a store answers as if they had come in some order, and breaks no rule. */
export async function assertSerial(stand: Stand, race: Race, drawn: readonly Round[]): Promise<void> {
  const model: MemoryStand = memoryStand({ nowMs: stand.now() })
  const cast = new Cast()
  await begin(stand)
  await begin(model)
  const resolve = async (drafted: Draft) => cast.resolve(drafted, await model.tables(), model.now())
  for (const { before, lanes } of drawn) {
    for (const drafted of before)
      for (const command of await resolve(drafted))
        assert.deepEqual(await perform(stand, command), await perform(model, command))
    const resolved: Command[][] = []
    for (const lane of lanes) resolved.push((await Promise.all(lane.map(resolve))).flat())
    let stamp = 0
    const round: Answered[] = []
    const { lockedEvents } = await race(
      resolved.map(commands => async () => {
        for (const command of commands) {
          const calledAt = ++stamp
          const answer = await perform(stand, command)
          round.push({ command, answer, calledAt, answeredAt: ++stamp })
        }
      }),
    )
    const tables = await stand.tables()
    assert.deepEqual(brokenRules(tables, stand.now()), [])
    const unexplained = await explainRound(model, round, tables, lockedEvents)
    assert.equal(unexplained, null, unexplained ?? undefined)
  }
}

async function begin(stand: Stand): Promise<void> {
  await stand.clear()
  for (const hall of halls) await stand.addEvent(hall)
}
