import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { serverAccount } from '../account.ts'
import { locateBinaries } from '../binaries.ts'
import { viewOf } from '../cluster.ts'
import { type Folders, prepareFolders } from '../folders.ts'
import { freePort } from '../port.ts'
import { NotYetFree, startPostmaster } from '../postmaster.ts'
import { serverSettings } from '../settings.ts'
import { emptyFolder, keep, kept, killAll, killNow, query, sharedFolder, start } from './clusters.ts'

/** What `start` does last, without making the cluster free before. */
async function startUncleared(folders: Folders) {
  const account = await serverAccount(folders.cluster)
  return await startPostmaster(folders, {
    binaries: await locateBinaries(account, folders.root),
    view: await viewOf(folders.cluster, account),
    port: await freePort(),
    settings: serverSettings('tests'),
  })
}

test('a child that outlives a killed postmaster does not keep the next server from starting', async t => {
  const dataDir = await sharedFolder(t)
  const folders = await prepareFolders(dataDir)
  const first = await start(dataDir)
  const [child] = await query(first.url, `select pid from pg_stat_activity where backend_type = 'background writer'`)
  // A stopped process notices nothing, like one in a long computation.
  killNow(child!.pid as number, 'SIGSTOP')
  killNow(first.pid())

  await assert.rejects(startUncleared(folders), NotYetFree, 'control: PostgreSQL alone refuses')
  const second = await start(dataDir)
  assert.deepEqual(await query(second.url, 'select 1 as one'), [{ one: 1 }])
  await second.stop()
})

test('a lock file whose process number now belongs to another program is not believed', async t => {
  const dataDir = await sharedFolder(t)
  const folders = await prepareFolders(dataDir)
  await start(dataDir)
  await killAll(dataDir)
  const pidFile = join(folders.cluster, 'postmaster.pid')
  const { uid, gid } = (await serverAccount(folders.cluster)) ?? {}
  const other = spawn('sleep', ['600'], { uid, gid })
  t.after(() => other.kill())
  const lines = (await readFile(pidFile, 'utf8')).split('\n')
  await writeFile(pidFile, [other.pid, ...lines.slice(1)].join('\n'))

  await assert.rejects(startUncleared(folders), NotYetFree, 'control: PostgreSQL alone refuses')
  const second = await start(dataDir)
  assert.equal(second.adopted, false)
  await second.stop()
  assert.equal(other.exitCode, null, 'the other program was left alone')
})

test('a lost password file is replaced and the database kept', async t => {
  const dataDir = await sharedFolder(t)
  const first = await start(dataDir)
  await keep(first.url, 'Seat 4')
  const { passwordFile } = await prepareFolders(dataDir)
  await rm(passwordFile)
  await assert.rejects(start(dataDir), { problem: 'account-not-usable' }, 'nobody can ask a running server for it')
  await first.stop()

  const second = await start(dataDir)
  assert.notEqual(second.url, first.url)
  assert.equal(await kept(second.url), 'Seat 4')
  await second.stop()
})

test('an interrupted first start leaves nothing in the way of the next', async t => {
  const dataDir = await emptyFolder(t)
  const folders = await prepareFolders(dataDir)
  await writeFile(`${folders.cluster}.new`, 'half a database')
  const server = await start(dataDir)
  assert.deepEqual(await query(server.url, 'select 1 as one'), [{ one: 1 }])
  await server.stop()
})

test('a database of another PostgreSQL, or something that is none, is left as it is and named', async t => {
  const dataDir = await sharedFolder(t)
  const server = await start(dataDir)
  await server.stop()
  const { cluster } = await prepareFolders(dataDir)
  const versionFile = join(cluster, 'PG_VERSION')
  t.after(() => writeFile(versionFile, '18\n'))
  await writeFile(versionFile, '17\n')
  await assert.rejects(start(dataDir), { problem: 'version-mismatch', message: /made by PostgreSQL 17; .* brings 18/ })
  await rm(versionFile)
  await assert.rejects(start(dataDir), { problem: 'folder-not-usable', message: /is not a PostgreSQL data directory/ })
})

test('an unusable data folder is explained', async t => {
  const dataDir = await emptyFolder(t)
  await writeFile(join(dirname(dataDir), 'file'), '')
  const inside = join(dirname(dataDir), 'file', 'pg')
  await assert.rejects(start(inside), { problem: 'folder-not-usable', message: /HOLDFAST_DATA/ })
})
