import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localTime } from '../local-time.ts'

test('clocks at the place show the time that was meant, in winter and in summer', () => {
  const from = Date.parse('2026-11-22T12:00:00Z')
  const at = (days: number, timezone: string) => new Date(localTime({ from, days, time: '20:30', timezone })).toISOString()
  assert.equal(at(1, 'Europe/Berlin'), '2026-11-23T19:30:00.000Z')
  assert.equal(at(180, 'Europe/Berlin'), '2027-05-21T18:30:00.000Z')
  assert.equal(at(180, 'Asia/Kolkata'), '2027-05-21T15:00:00.000Z')
  assert.equal(at(0, 'Pacific/Auckland'), '2026-11-23T07:30:00.000Z')
})
