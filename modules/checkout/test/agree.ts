import assert from 'node:assert/strict'
import fc from 'fast-check'
import type * as Backends from './backends.ts'
import { command, Play } from './play-commands.ts'
import { openTill } from './till.ts'

/**
 * The simulation is worth what its database is worth. The same commands, one after the other, go to a till on PostgreSQL and to one on the
 * twin; after each, what the buyers were told, what became of every order, and what the bank has, must be the same.
 */
const commandsEach = 100

/** Rejects with the first sequence after which the two differ. */
export async function agree({ twin, sequences }: { twin: () => Backends.Backend; sequences: number }): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: commandsEach, maxLength: commandsEach }), async commands => {
      // One after the other: of two late payments that want the same seats, which is faster is chance.
      const one = await openTill({ seats: 12, areas: [6], atOnce: 1 })
      const two = await openTill({ seats: 12, areas: [6], atOnce: 1, on: twin })
      const [first, second] = [new Play(one), new Play(two)]
      for (const [i, next] of commands.entries()) {
        const said = [await first.carryOut(next), await second.carryOut(next)]
        const at = `after ${i + 1}: ${next.kind}`
        assert.deepEqual(said[1], said[0], at)
        assert.deepEqual(await second.picture(), await first.picture(), at)
      }
      await one.close()
    }),
    { numRuns: sequences, endOnFailure: true, seed: Number(process.env.HOLDFAST_TEST_SEED ?? 20261121) },
  )
}
