import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { isRunning } from '../processes.ts'
import { emptyFolder, keep, kept, killAll, killNow, query, serveElsewhere, sharedFolder, start } from './clusters.ts'

test('the first start makes a database, a stop ends it, the second start is quick and finds what was committed', async t => {
  const dataDir = await sharedFolder(t)
  const first = await start(dataDir)
  assert.equal(first.adopted, false)
  await keep(first.url, 'Seat 1')
  assert.equal(await first.stop(), true)
  assert.equal(await isRunning(first.pid()), false)

  const before = performance.now()
  const second = await start(dataDir)
  assert.ok(performance.now() - before < 3000, 'ready in under 3 s')
  assert.equal(await kept(second.url), 'Seat 1')
  await second.stop()
})

test('text sorts and folds alike on every machine', async t => {
  const server = await start(await sharedFolder(t))
  const [row] = await query(server.url, `select upper('žižkov') as upper, 'Z' < 'a' as by_code_point`)
  assert.deepEqual(row, { upper: 'ŽIŽKOV', by_code_point: true })
  const [checksums] = await query(server.url, 'show data_checksums')
  assert.deepEqual(checksums, { data_checksums: 'on' })
  await server.stop()
})

test('a password is asked for', async t => {
  const server = await start(await sharedFolder(t))
  const guess = new URL(server.url)
  guess.password = 'guess'
  await assert.rejects(query(guess.href, 'select 1'), { code: '28P01' })
  await server.stop()
})

test('after kill -9 of everything the next start finds every committed row', async t => {
  const dataDir = await sharedFolder(t)
  const first = await start(dataDir, { role: 'server' })
  await keep(first.url, 'Seat 2')
  await killAll(dataDir)

  const second = await start(dataDir)
  assert.equal(second.adopted, false)
  assert.equal(second.port, first.port, 'who still looks for it there finds it')
  assert.equal(await kept(second.url), 'Seat 2')
  await second.stop()
})

test('a supervised server that is killed serves again within 10 s at the same address', async t => {
  const dataDir = await sharedFolder(t)
  const restarted = Promise.withResolvers<{ downMilliseconds: number }>()
  const server = await start(dataDir, { role: 'server', onRestart: restarted.resolve })
  server.supervise()
  await keep(server.url, 'Seat 3')
  const busy = new pg.Client({ connectionString: server.url })
  busy.on('error', () => {})
  await busy.connect()
  const computation = assert.rejects(busy.query('select count(*) from generate_series(1, 1000000000)'))

  const killed = server.pid()
  killNow(killed)
  assert.ok((await restarted.promise).downMilliseconds < 10_000)
  await computation
  assert.notEqual(server.pid(), killed)
  assert.equal(await kept(server.url), 'Seat 3')
  await server.stop()
  assert.equal(await isRunning(server.pid()), false)
})

test('a server left by a killed process is adopted and supervised', async t => {
  const dataDir = await sharedFolder(t)
  const first = await start(dataDir)
  const elsewhere = await serveElsewhere(t, dataDir)
  assert.deepEqual(elsewhere.report, { url: first.url, adopted: true, pid: first.pid() })
  elsewhere.child.kill('SIGKILL')

  const restarted = Promise.withResolvers<unknown>()
  const adopting = await start(dataDir, { onRestart: restarted.resolve })
  assert.equal(adopting.adopted, true)
  adopting.supervise()
  killNow(adopting.pid())
  await restarted.promise
  assert.deepEqual(await query(adopting.url, 'select 1 as one'), [{ one: 1 }])
  assert.equal(await first.stop(), false, 'the other still uses it')
  assert.equal(await adopting.stop(), true)
})

test('the last living user stops the server', async t => {
  const dataDir = await sharedFolder(t)
  const first = await start(dataDir)
  const second = await start(dataDir)
  assert.equal(second.adopted, true)
  assert.equal(await first.stop(), false)
  assert.deepEqual(await query(second.url, 'select 1 as one'), [{ one: 1 }])
  assert.equal(await second.stop(), true)
})

test('processes that start at the same time share one server', async t => {
  const dataDir = await emptyFolder(t)
  const all = await Promise.all([serveElsewhere(t, dataDir), serveElsewhere(t, dataDir), start(dataDir)])
  const [one, two, three] = all
  assert.deepEqual(new Set([one.report.pid, two.report.pid, three.pid()]).size, 1)
  assert.equal([one.report.adopted, two.report.adopted, three.adopted].filter(adopted => !adopted).length, 1)
  await Promise.all([one.end(), two.end(), three.stop()])
  assert.equal(await isRunning(three.pid()), false)
})

test('a server for tests ends with the process that started it, however that ends', async t => {
  const dataDir = await sharedFolder(t)
  const elsewhere = await serveElsewhere(t, dataDir)
  elsewhere.child.kill('SIGKILL')
  while (await isRunning(elsewhere.report.pid)) await new Promise(setImmediate)
})
