import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { measureLagJob } from '../measure-lag.ts'
import { messageMetrics } from '../metrics.ts'
import { change, depsFor, drain, effectsConsumer, effectsTable, newThing, openTransaction } from './things.ts'

const { db, url, advance } = await testDatabase()
await db.query(effectsTable)

test('the lag of a consumer is what it has not read, late commits included', async () => {
  const consumer = effectsConsumer('slow')
  const metrics = createMetrics({ processMetrics: false })
  const job = measureLagJob({ db, metrics: messageMetrics(metrics) })
  const value = async (name: string) => {
    await job.run(new AbortController().signal)
    const text = await metrics.registry.getSingleMetricAsString(name)
    return Number(/consumer="slow"\} (\S+)/.exec(text)?.[1])
  }

  const open = await openTransaction(url)
  await change(open, newThing(), 1)
  await change(db, newThing(), 1)
  await drain(consumer, depsFor(db))
  assert.equal(await value('holdfast_outbox_lag_rows'), 0)
  assert.equal(await value('holdfast_outbox_lag_seconds'), 0)

  await advance(60_000)
  await change(db, newThing(), 1)
  await open.query('commit')
  await open.end()
  assert.equal(await value('holdfast_outbox_lag_rows'), 2)
  const seconds = await value('holdfast_outbox_lag_seconds')
  assert(seconds >= 60 && seconds < 120, `${seconds}`)
})
