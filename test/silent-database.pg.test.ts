import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { OutcomeUnknown, RetryableFault } from '#kernel/faults.ts'
import { openDatabase } from '#platform/postgres/database.ts'
import { migrate } from '#platform/postgres/migrate.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { wireToPostgres } from './harness/fault-wire.ts'

// A network that loses a connection and tells nobody: it is open, takes what is written to it, and says nothing any more.

const record = await testDatabase({ max: 1 })
const wire = await wireToPostgres(record.url)
const silenceMs = 400
const db = openDatabase({ url: wire.url, max: 1, name: 'over a wire', silenceMs, acquireMs: 400 })
after(async () => {
  await db.close()
  wire.close()
})

/** Loses the connection that is open, and lets new ones through. */
async function fallSilent(): Promise<void> {
  await db.query('select 1')
  wire.be({ kind: 'hole' })
  wire.be({ kind: 'fair' })
}

test('a question over a silent connection fails soon, and the next one has another connection', async () => {
  await fallSilent()
  await assert.rejects(db.query('select 1'), RetryableFault)
  assert.equal((await db.query('select 1')).rowCount, 1)
})

test('what commits by itself over a silent connection may have happened', async () => {
  await fallSilent()
  await assert.rejects(db.query({ text: 'select 1', commits: true }), OutcomeUnknown)
  assert.equal((await db.query('select 1')).rowCount, 1)
})

test('a transaction whose connection falls silent fails once, not again with its rollback', async () => {
  await fallSilent()
  const startedAt = performance.now()
  await assert.rejects(
    db.transaction(tx => tx.query('select 1')),
    RetryableFault,
  )
  assert.ok(performance.now() - startedAt < 2 * silenceMs, 'it did not wait for the rollback')
  assert.equal((await db.query('select 1')).rowCount, 1)
})

test('a COMMIT over a connection that falls silent is neither yes nor no', async () => {
  const committing = db.transaction(async tx => {
    await tx.query('select 1')
    wire.be({ kind: 'hole' })
    wire.be({ kind: 'fair' })
  })
  await assert.rejects(committing, OutcomeUnknown)
  assert.equal((await db.query('select 1')).rowCount, 1)
})

test('a start whose connection falls silent ends, so that it can be tried again', async () => {
  wire.watch(bytes => {
    if (bytes.includes('holdfast.migrations')) wire.be({ kind: 'hole' })
    return null
  })
  await assert.rejects(migrate(wire.url, { silenceMs }), RetryableFault)
  wire.watch(() => null)
  wire.be({ kind: 'fair' })
  assert.deepEqual(await migrate(wire.url, { silenceMs }), [])
})
