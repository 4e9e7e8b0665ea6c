import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { ownDatabase } from './harness/own-database.ts'

/** What must be in no log and in no table: keys, secrets, cards, tokens. */
const secrets = /\b(sk_test_|whsec_|pi_\w+_secret_)\w|4242424242424242|4000000000000002|\beyJhbGciOi/

test('a rehearsal balances, every seat that is sold has a ticket, and nothing secret is left behind', async () => {
  const installation = await ownDatabase()
  const server = await installation.start({ HOLDFAST_LOG_LEVEL: 'debug' })
  const rehearsal = spawn(
    process.execPath,
    ['fans/rehearse.ts', '--url', server.url, '--fans', '150', '--rate', '15', '--seed', '7', '--json'],
    {
      env: { ...process.env, HOLDFAST_ADMIN_PASSWORD: installation.env.HOLDFAST_ADMIN_PASSWORD },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const said = text(rehearsal.stdout)
  const [code] = await once(rehearsal, 'exit')
  const report = JSON.parse((await said).trim().split('\n').at(-1)!)
  assert.equal(code, 0, JSON.stringify(report))
  assert.equal(report.oversold, 0)
  assert.equal(report.balanced, true)
  assert.ok(report.sold > 50, `${report.sold} seats were sold`)
  assert.equal(report.tickets, report.sold)
  assert.equal(report.errors, 0)

  const { rows: tables } = await installation.db.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'holdfast' and c.relkind = 'r'`,
  )
  let rows = 0
  for (const { name } of tables) {
    const { rows: found } = await installation.db.query<{ row: string }>(`select t::text as row from ${name} t`)
    rows += found.length
    for (const { row } of found) assert.doesNotMatch(row, secrets, `a row of ${name}`)
  }
  assert.ok(rows > 1000, `${rows} rows were looked at`)
  assert.doesNotMatch(server.said(), secrets)
  assert.ok(server.said().length > 10_000, 'there is a log')
  // The negative control: where the secrets are kept, the pattern finds them.
  assert.match(await readFile(join(installation.env.HOLDFAST_DATA!, 'sandbox/credentials.json'), 'utf8'), secrets)
})
