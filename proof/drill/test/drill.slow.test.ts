import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { overConnections } from '../../../fans/api.ts'
import { disaster } from '../disaster.ts'
import { failover } from '../failover.ts'

const api = overConnections()
after(() => api.close())
const quiet = () => {}

test('a synchronous standby loses nothing, and the sale goes on by itself', async () => {
  const { acknowledged, lost, outageSeconds, unexplained } = await failover(api, quiet, { synchronous: true })
  assert.ok(acknowledged > 0)
  assert.equal(lost, 0)
  assert.ok(outageSeconds! < 10)
  assert.deepEqual(unexplained, [])
})

test('a standby that has lost sales sells nothing until each of them is explained', async () => {
  const { lost, fenced, openRefused, repaired, unexplained } = await failover(api, quiet, { synchronous: false })
  assert.ok(lost > 0, 'otherwise nothing is proved')
  assert.ok(fenced > 0)
  assert.ok(openRefused)
  assert.ok(repaired, unexplained.join('\n'))
})

test('a destroyed database comes back, to the end and to a moment, and every capture has a ticket or a refund', async () => {
  const { acknowledged, toMoment, rpoSeconds, unexplained } = await disaster(api, quiet, { seats: 2000 })
  assert.ok(acknowledged > 0 && toMoment.forgotten > 0)
  assert.ok(rpoSeconds <= 60)
  assert.deepEqual(unexplained, [])
})
