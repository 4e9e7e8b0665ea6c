import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atEndOfTurn } from '../end-of-turn.ts'

test('what comes in one turn runs at its end, in its order; what comes meanwhile in the next', async () => {
  const said: string[] = []
  const together = atEndOfTurn()
  together(() => {
    said.push('first')
    together(() => said.push('of the next turn'))
    queueMicrotask(() => said.push('in between'))
  })
  together(() => said.push('second'))
  await null
  assert.deepEqual(said, [], 'not before the end')
  await new Promise(setImmediate)
  assert.deepEqual(said, ['first', 'second', 'in between'])
  await new Promise(setImmediate)
  assert.deepEqual(said.at(-1), 'of the next turn')
})
