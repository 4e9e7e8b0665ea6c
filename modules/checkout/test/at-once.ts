import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { permutations } from '#kernel/test/permutations.ts'
import type * as Backends from './backends.ts'
import { type Command, command, Play } from './play-commands.ts'
import { openTill as openOurTill } from './till.ts'

/**
 * What happens to an order at once must end as if one had happened after the other. Rounds of commands, most of them of one order, go to a
 * till on PostgreSQL at once; then some order of them must be found in which the twin, given them one after the other, answers the same
 * and comes to the same rest. Two liberties, which the product's promises have as well: who is told that somebody else is at it has done
 * nothing, and who is told that an answer is still to come may have done anything.
 */
type Round = { before: Command[]; together: Command[] }

const roundsEach = 6

/** Answers of who came while another was at it, and did nothing. */
const busy: ReadonlySet<unknown> = new Set([
  'payment-in-progress',
  'capture-pending',
  'payments-unavailable',
  'RetryableFault',
])

/** Answers of whose effect is still under way. */
const unfinished: ReadonlySet<unknown> = new Set(['cancelling', 'queued'])

const together = [
  'check out',
  'cancel cart',
  'cancel payment',
  'extend',
  'refund',
  'deliver',
  'look',
  'refunds',
  'sweep',
] as const
const steering: ReadonlySet<Command['kind']> = new Set(['advance', 'away', 'lost', 'breaker', 'read'])

const round: fc.Arbitrary<Round> = fc
  .tuple(
    fc.array(command, { minLength: 3, maxLength: 8 }),
    command,
    fc.array(fc.constantFrom(...together), { minLength: 2, maxLength: 3 }),
    fc.boolean(),
  )
  .map(([before, one, kinds, isReady]) => {
    const ready: Command['kind'][] = isReady ? ['hold', 'check out', 'authorize'] : []
    const of = (kind: Command['kind']) => ({ ...one, kind }) as Command
    return {
      before: [...before.filter(({ kind }) => !steering.has(kind)), ...ready.map(of)],
      together: kinds.map(of),
    }
  })

/** Rejects with the first round that no order explains. */
export async function explainAtOnce({
  twin,
  sequences,
  openTill = openOurTill,
}: {
  twin: () => Backends.Backend
  sequences: number
  openTill?: typeof openOurTill
}): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: roundsEach, maxLength: roundsEach }), async rounds => {
      const till = await openTill({ seats: 12, areas: [6], atOnce: 1 })
      const real = new Play(till)
      /** What the twin is given to be where the till is. */
      const past: (Command | 'rest')[] = []
      for (const { before, together } of rounds) {
        for (const next of before) await real.carryOut(next)
        const said = await Promise.all(together.map(next => real.carryOut(next)))
        await real.rest()
        past.push(...before)
        const picture = await real.picture({ counts: false })
        const found = await findOrder({ past, together, said, picture, twin })
        const told = together.map(({ kind }, i) => `${kind}: ${JSON.stringify(said[i])}`)
        assert.notEqual(found, null, `no order explains\n  ${told.join('\n  ')}\n  ${JSON.stringify(picture)}`)
        past.push(...found!, 'rest')
      }
      await till.close()
    }),
    { numRuns: sequences, endOnFailure: true, seed: Number(process.env.HOLDFAST_TEST_SEED ?? 20261127) },
  )
}

/** The order in which the twin ends where the till did; null if there is none. */
async function findOrder(options: {
  past: readonly (Command | 'rest')[]
  together: readonly Command[]
  said: readonly unknown[]
  picture: unknown
  twin: () => Backends.Backend
}): Promise<Command[] | null> {
  const { past, together, said, picture, twin } = options
  const mayBeNothing = together.filter((_, i) => busy.has(said[i]))
  for (const left of subsets(mayBeNothing))
    for (const order of permutations(together.filter(command => !left.includes(command)))) {
      const till = await openOurTill({ seats: 12, areas: [6], atOnce: 1, on: twin })
      const play = new Play(till)
      for (const next of past) await (next === 'rest' ? play.rest() : play.carryOut(next))
      const answers = new Map<Command, unknown>()
      for (const next of order) answers.set(next, await play.carryOut(next))
      const saysTheSame = together.every(
        (command, i) =>
          left.includes(command) ||
          isJob(command) ||
          unfinished.has(said[i]) ||
          isDeepStrictEqual(answers.get(command), said[i]),
      )
      if (!saysTheSame) continue
      await play.rest()
      if (isDeepStrictEqual(await play.picture({ counts: false }), picture)) return order
    }
  return null
}

/** How much a job did in its turn is nobody's promise. */
function isJob({ kind }: Command): boolean {
  return kind === 'look' || kind === 'refunds' || kind === 'sweep'
}

function subsets<T>(items: readonly T[]): T[][] {
  const [first, ...rest] = items
  if (first === undefined) return [[]]
  const without = subsets(rest)
  return [...without, ...without.map(subset => [first, ...subset])]
}
