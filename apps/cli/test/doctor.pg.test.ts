import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { holdfast } from './run.ts'

const database = await testDatabase()
const env = { DATABASE_URL: database.url, PORT: '0', HOLDFAST_DATA: mkdtempSync(join(tmpdir(), 'holdfast-doctor-')) }
type Check = { name: string; status: string; found: string }

async function examine(given: Record<string, string> = env) {
  const { code, json } = await holdfast(['doctor', '--json'], { env: given })
  const checks = json().checks as Check[]
  return { code, statusOf: (name: string) => checks.find(check => check.name === name)?.status }
}

test('a migrated database on this machine is fit, if its server waits for the disk', async () => {
  const { code, statusOf } = await examine()
  // Servers that are started for tests alone do not.
  const { rows } = await database.db.query<{ fsync: string }>('show fsync')
  const durable = rows[0]!.fsync === 'on'
  assert.deepEqual([code, statusOf('durability')], durable ? [0, 'ok'] : [1, 'fail'])
  for (const name of ['node', 'settings', 'data folder', 'port', 'database', 'locks', 'clocks', 'schema', 'sales'])
    assert.equal(statusOf(name), 'ok', name)
})

test('a closed fence is told', async () => {
  await database.db.query(`update holdfast.sales_fence set closed = true, reason = 'restored'`)
  assert.equal((await examine()).statusOf('sales'), 'warn')
  await database.db.query('update holdfast.sales_fence set closed = false, reason = null')
})

test('a schema that lacks a migration can be brought up, one of a later version cannot', async () => {
  assert.deepEqual((await holdfast(['migrate', '--json'], { env })).json().applied, [])
  await database.db.query(`insert into holdfast.migrations (name, timestamp) values ('9999-later', '')`)
  assert.equal((await examine()).statusOf('schema'), 'fail')
  await database.db.query(`delete from holdfast.migrations where name in ('9999-later', '0006-idempotency')`)
  assert.equal((await examine()).statusOf('schema'), 'warn')
})

test('a database that is not there is told without an exception', async () => {
  const { code, statusOf } = await examine({ ...env, DATABASE_URL: 'postgres://127.0.0.1:1/holdfast' })
  assert.deepEqual([code, statusOf('database')], [1, 'fail'])
})

test('what is wrong with the settings is told by the doctor too', async () => {
  const { code, statusOf } = await examine({ PORT: 'http' })
  assert.deepEqual([code, statusOf('settings'), statusOf('database')], [1, 'fail', undefined])
})
