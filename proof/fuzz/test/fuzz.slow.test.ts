import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzzOwnServer } from '../fuzz-own-server.ts'
import { isSound, printed } from '../report.ts'

test('2,500 requests, right and wrong, by everybody, are all answered as the document says', async () => {
  const report = await fuzzOwnServer({ requests: 2500, seed: 20261127, tell: () => {} })
  assert.ok(isSound(report), printed(report))
  assert.ok(report.operations >= 36)
})
