import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { overConnections } from '../../../fans/api.ts'
import { failover } from '../failover.ts'

// The other two take minutes: `npm run drill`. Their parts have tests beside them, in platform/postgres/backup/test/.
const api = overConnections()
after(() => api.close())

test('a standby that has lost sales sells nothing until each of them is explained', async () => {
  const { lost, fenced, openRefused, repaired, unexplained } = await failover(api, () => {}, { synchronous: false })
  assert.ok(lost > 0, 'otherwise nothing is proved')
  assert.ok(fenced > 0)
  assert.ok(openRefused)
  assert.ok(repaired, unexplained.join('\n'))
})
