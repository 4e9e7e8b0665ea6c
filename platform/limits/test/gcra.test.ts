import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '#kernel/test/manual-clock.ts'
import { createRateLimiter } from '../gcra.ts'

const limit = { name: 'test', burst: 10, perSeconds: 60 }

function allowedOf(attempts: number, take: () => { allowed: boolean }): number {
  return Array.from({ length: attempts }, take).filter(verdict => verdict.allowed).length
}

test('a burst passes, the next one is told when to come back', () => {
  const limiter = createRateLimiter(limit, manualClock())
  assert.equal(
    allowedOf(10, () => limiter.take('a')),
    10,
  )
  assert.deepEqual(limiter.take('a'), { allowed: false, remaining: 0, resetSeconds: 60, retryAfterSeconds: 6 })
  assert.equal(limiter.take('b').allowed, true, 'another key has its own')
})

test('what is left is told with every answer', () => {
  const limiter = createRateLimiter(limit, manualClock())
  assert.deepEqual(
    Array.from({ length: 10 }, () => limiter.take('a').remaining),
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
  )
})

test('over a long time exactly the allowed number passes, whatever is asked', () => {
  const clock = manualClock()
  const limiter = createRateLimiter(limit, clock)
  let allowed = 0
  for (let second = 0; second < 3600; second++) {
    allowed += allowedOf(7, () => limiter.take('a'))
    clock.advance(1000)
  }
  // The burst, and one every 6 s after the first moment: an hour has 600 of them.
  assert.ok(Math.abs(allowed - (10 + 599)) <= 1, `${allowed}`)
})

test('there is no edge of a window at which twice the limit passes', () => {
  const clock = manualClock()
  const limiter = createRateLimiter(limit, clock)
  clock.advance(59_000)
  assert.equal(
    allowedOf(20, () => limiter.take('a')),
    10,
  )
  clock.advance(2000)
  assert.equal(
    allowedOf(20, () => limiter.take('a')),
    0,
  )
})

test('what is given back may be taken again', () => {
  const limiter = createRateLimiter(limit, manualClock())
  for (let i = 0; i < 100; i++) {
    assert.equal(limiter.take('a').allowed, true)
    limiter.giveBack('a')
  }
})

test('a flood of keys does not grow the memory, and forgets idle keys before busy ones', () => {
  const clock = manualClock()
  const limiter = createRateLimiter(limit, clock, 100)
  for (let i = 0; i < 50; i++) limiter.take(`idle-${i}`)
  clock.advance(61_000)
  allowedOf(10, () => limiter.take('busy'))
  for (let i = 0; i < 60; i++) limiter.take(`other-${i}`)
  assert.equal(limiter.take('busy').allowed, false)
})
