import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DatabaseTime } from '../follow/database-time.ts'

const offset = 1_800_000_000_000

test('the true time is always within the bound, whatever the trips took and where in them the answer was true', () => {
  const trip = fc.record({ pause: fc.nat(5000), there: fc.nat(200), back: fc.nat(200) })
  fc.assert(
    fc.property(fc.array(trip, { minLength: 1 }), trips => {
      const time = new DatabaseTime()
      let now = 0
      for (const { pause, there, back } of trips) {
        const sentAt = now + pause
        now = sentAt + there + back
        time.learn(sentAt, now, offset + sentAt + there)
        assert(Math.abs(time.at(now) - (offset + now)) <= time.errorMs(now))
      }
    }),
    { seed: 20261122 },
  )
})

test('one quick trip bounds the error of the slow ones after it', () => {
  const time = new DatabaseTime()
  time.learn(0, 1, offset)
  time.learn(100, 500, offset + 400)
  assert(time.errorMs(500) < 2)
})

test('a clock that was set is believed at once', () => {
  const time = new DatabaseTime()
  time.learn(0, 2, offset)
  time.learn(100, 102, offset + 3_600_100)
  assert(Math.abs(time.at(102) - (offset + 3_600_101)) <= 2)
  time.learn(200, 202, offset + 200)
  assert(Math.abs(time.at(202) - (offset + 201)) <= 2)
})
