import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCampaign } from '../campaign.ts'
import { simulationKeys } from '../keys.ts'
import { play } from '../play.ts'

/** A minute of pinned seeds. States that are rare are asked for in longer runs: `npm run sim -- --seeds 20000`. */
test('four hundred storms, and everything comes to rest and adds up', async () => {
  const report = await runCampaign({ play, keys: simulationKeys(), from: 1, seeds: 400 })
  assert.deepEqual(report.found, [], `again: npm run sim -- --seed ${report.found[0]?.seed}`)
  const reached = Object.values(report.states).filter(times => times > 0).length
  assert.ok(reached >= 45, `only ${reached} of the named states were reached`)
})
