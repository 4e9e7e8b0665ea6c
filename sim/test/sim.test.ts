import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bugs } from '../bugs/bugs.ts'
import { catchBugs } from '../bugs/catch-bugs.ts'
import { runCampaign } from '../campaign.ts'
import { simulationKeys } from '../keys.ts'
import { play } from '../play.ts'
import { rareStates, reachedStates } from '../rare-states.ts'
import { regressions } from '../regressions.ts'

const keys = simulationKeys()
/** Others are played by `npm run sim -- --from <n>`. */
const firstSeed = 20261121

test('the same seed plays the same run, step by step', async () => {
  for (const seed of [1, 2, 3]) {
    const [first, again] = [await play(seed, { keys, keepTrace: true }), await play(seed, { keys, keepTrace: true })]
    assert.deepEqual(again.trace, first.trace)
    assert.deepEqual(again.states, first.states)
    assert.ok(first.trace.length > 200, `${first.trace.length} steps`)
  }
})

test('whatever goes wrong, everything comes to rest and adds up', async () => {
  const report = await runCampaign({ play, keys, from: firstSeed, seeds: 80 })
  assert.deepEqual(report.found, [], `again: npm run sim -- --seed ${report.found[0]?.seed}`)
  assert.ok(report.steps_least >= 200, `a run of ${report.steps_least} steps`)
})

for (const { seed, found } of regressions)
  test(`what a seed once found stays mended: ${found}`, async () => {
    assert.deepEqual((await play(seed, { keys })).violations, [])
  })

test('a bug that is planted is seen', async () => {
  const chosen = bugs.filter(({ failure }) => failure === 'F4' || failure === 'F7')
  assert.equal(chosen.length, 2)
  for (const { bug, caught } of await catchBugs({ keys, chosen })) assert.notEqual(caught, null, bug)
})

test('states are counted by the beginnings of their names', () => {
  const states = reachedStates({ 'payments sold': 3, 'answer lost: capture': 1, 'answer lost: captured': 2 })
  assert.equal(states['a sale'], 3)
  assert.equal(states['the answer to a capture is lost'], 3)
  assert.ok(Object.keys(rareStates).length >= 40)
})
