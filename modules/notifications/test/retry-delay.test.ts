import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attemptsMax, retryDelayMs } from '../send/retry-delay.ts'

test('delays double from half a minute to six hours, and spread', () => {
  assert.deepEqual([retryDelayMs(1, 0), retryDelayMs(1, 1)], [15_000, 30_000])
  assert.deepEqual([retryDelayMs(4, 0), retryDelayMs(4, 1)], [120_000, 240_000])
  assert.deepEqual([retryDelayMs(60, 0), retryDelayMs(60, 1)], [3 * 3_600_000, 6 * 3_600_000])
})

test('all attempts together outlast a weekend night, and end', () => {
  let longestMs = 0
  for (let attempt = 1; attempt < attemptsMax; attempt++) longestMs += retryDelayMs(attempt, 1)
  const hours = longestMs / 3_600_000
  assert.ok(hours > 40 && hours < 60, `${hours} h`)
})
