import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '#kernel/test/manual-clock.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { type Job, startJobs } from '../periodic.ts'

test('a job comes at once and then every so often, counted from the end of a turn', async () => {
  const { clock, start, settle } = stage()
  let turns = 0
  const run = async () => {
    turns++
    return 'dry' as const
  }
  const jobs = start({ name: 'tick', everyMs: 1000, run })
  await settle()
  assert.equal(turns, 1)
  clock.advance(999)
  await settle()
  assert.equal(turns, 1)
  clock.advance(1)
  await settle()
  assert.equal(turns, 2)
  await jobs.stop()
})

test('a job with more to do goes on until it is dry', async () => {
  const { start, settle } = stage()
  let left = 5
  const jobs = start({ name: 'drain', everyMs: 1000, run: async () => (--left > 0 ? 'more' : 'dry') })
  await settle()
  assert.equal(left, 0)
  await jobs.stop()
})

test('a job that rests does so between its turns, in proportion to what they took', async () => {
  const { clock, start, settle } = stage()
  let left = 4
  let takesMs = 10
  const run = async () => {
    clock.advance(takesMs)
    return --left > 0 ? 'more' : 'dry'
  }
  const jobs = start({ name: 'rest', everyMs: 1000, rests: 2, run: run as Job['run'] })
  await settle()
  assert.equal(left, 3)
  clock.advance(19)
  await settle()
  assert.equal(left, 3)
  takesMs = 40_000
  clock.advance(1)
  await settle()
  assert.equal(left, 2)
  clock.advance(1000)
  await settle()
  assert.equal(left, 1, 'but not longer than it waits when there is nothing to do')
  await jobs.stop()
})

test('turns of one job never overlap, and another job does not wait for them', async () => {
  const { clock, start, settle } = stage()
  const gate = Promise.withResolvers<void>()
  let slow = 0
  let quick = 0
  const runSlow = async () => {
    slow++
    await gate.promise
    return 'dry' as const
  }
  const runQuick = async () => {
    quick++
    return 'dry' as const
  }
  const jobs = start({ name: 'slow', everyMs: 10, run: runSlow }, { name: 'quick', everyMs: 10, run: runQuick })
  for (let i = 0; i < 5; i++) {
    await settle()
    clock.advance(20)
  }
  assert.equal(slow, 1)
  assert(quick >= 4)
  gate.resolve()
  await jobs.stop()
})

test('stopping waits for the turn under way, tells it, and begins no other', async () => {
  const { clock, start, settle } = stage()
  const gate = Promise.withResolvers<void>()
  const seen: string[] = []
  const jobs = start({
    name: 'long',
    everyMs: 10,
    run: async signal => {
      signal.addEventListener('abort', () => seen.push('told'))
      await gate.promise
      seen.push('finished')
      return 'more'
    },
    stop: async () => void seen.push('tidied'),
  })
  await settle()
  const stopped = jobs.stop().then(() => seen.push('stopped'))
  await settle()
  assert.deepEqual(seen, ['told'])
  gate.resolve()
  await stopped
  clock.advance(1000)
  await settle()
  assert.deepEqual(seen, ['told', 'finished', 'tidied', 'stopped'])
})

test('a job that fails comes again later and later, is counted, and its lag grows', async () => {
  const { clock, start, settle, metrics } = stage()
  const at: number[] = []
  const jobs = start({
    name: 'broken',
    everyMs: 100,
    run: async () => {
      at.push(clock.monotonic())
      throw new Error('no')
    },
  })
  for (let i = 0; i < 400; i++) {
    await settle()
    clock.advance(10)
  }
  const waits = at.slice(1).map((time, i) => time - at[i]!)
  assert.deepEqual(waits, [380, 750, 1500])
  const text = await metrics.registry.metrics()
  assert.match(text, /holdfast_job_failures_total\{job="broken"\} 4/)
  assert.match(text, /holdfast_job_lag_seconds\{job="broken"\} 3\.8/)
  await jobs.stop()
})

function stage() {
  const clock = manualClock()
  const metrics = createMetrics({ processMetrics: false })
  const quiet = { error: () => {}, warn: () => {} }
  // In the middle: no jitter.
  const random = { bytes: Buffer.alloc, fraction: () => 0.5 }
  return {
    clock,
    metrics,
    start: (...jobs: Job[]) => startJobs(jobs, { clock, random, metrics, logger: quiet as never }),
    settle: () => new Promise(resolve => setImmediate(resolve)),
  }
}
