import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, cp, lstat, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { type Account, serverAccount } from '../account.ts'
import { type Binaries, type InstalledPackage, installedPackage, locateBinaries } from '../binaries.ts'
import { prepareFolders } from '../folders.ts'
import { asRoot, emptyFolder, keep, kept, needsRoot, outOfReachFor, query, serveElsewhere, start } from './clusters.ts'

const nobody = 65534
const nameless = 54321

/** The package as npm unpacks it with install scripts blocked: without the links that a script makes. */
async function packageWithoutLinks(t: TestContext): Promise<InstalledPackage & { home: string }> {
  const home = await mkdtemp(join(tmpdir(), 'holdfast-home-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  await chmod(home, 0o755)
  const { native, version } = await installedPackage()
  for (const needed of ['bin', 'lib', 'pg-symlinks.json'])
    await cp(join(native, needed), join(home, 'native', needed), {
      recursive: true,
      filter: async path => !/\.a$|postgresql/.test(path) && !(await lstat(path)).isSymbolicLink(),
    })
  return { native: join(home, 'native'), version, home }
}

async function versionOf(binaries: Binaries, account: Account | null): Promise<string> {
  return (await promisify(execFile)(binaries.initdb, ['--version'], { ...account })).stdout
}

test('with install scripts blocked the library links are made at the first start', async t => {
  const installed = await packageWithoutLinks(t)
  const { root, cluster } = await prepareFolders(await emptyFolder(t))
  const account = await serverAccount(cluster)
  const asInstalled = { initdb: join(installed.native, 'bin/initdb') } as Binaries
  await assert.rejects(versionOf(asInstalled, account), /libicu/, 'control: without them nothing runs')

  const binaries = await locateBinaries(account, root, installed)
  assert.equal(binaries.initdb, asInstalled.initdb)
  assert.match(await versionOf(binaries, account), /PostgreSQL/)
})

test('programs that cannot run where they are, are copied once to where they can', async t => {
  const installed = await packageWithoutLinks(t)
  if (asRoot) await chmod(installed.home, 0o700)
  else await chmod(join(installed.native, 'bin/postgres'), 0o644)
  const { root, cluster } = await prepareFolders(await emptyFolder(t))
  const account = await serverAccount(cluster)
  const first = await locateBinaries(account, root, installed)
  assert.equal(first.initdb, join(root, `native-${installed.version}`, 'native/bin/initdb'))
  assert.match(await versionOf(first, account), /PostgreSQL/)

  const { ino } = await stat(first.initdb)
  assert.deepEqual(await locateBinaries(account, root, installed), first)
  assert.equal((await stat(first.initdb)).ino, ino, 'the second start uses the first copy')
})

test('root: a data folder below a home that others cannot enter is used where it is', needsRoot, async t => {
  const dataDir = await emptyFolder(t, { mode: 0o700 })
  const first = await start(dataDir)
  await keep(first.url, 'Seat 5')
  await first.stop()
  const second = await start(dataDir)
  assert.equal(await kept(second.url), 'Seat 5')
  const { cluster } = await prepareFolders(dataDir)
  assert.notEqual((await stat(cluster)).uid, 0, 'the server does not run as root')
  await second.stop()
})

test('an ordinary user starts a server, also below a home that others cannot enter', async t => {
  const skip = asRoot && (await outOfReachFor(nobody))
  if (skip) return t.skip(skip)
  const uid = asRoot ? nobody : undefined
  const dataDir = await emptyFolder(t, { mode: 0o700, uid })
  const elsewhere = await serveElsewhere(t, dataDir, uid)
  assert.equal(elsewhere.report.message, undefined)
  assert.deepEqual(await query(elsewhere.report.url, 'select 1 as one'), [{ one: 1 }])
  await elsewhere.end()
})

test('what root starts in the folder of an ordinary user, that user starts the next time', async t => {
  const skip = await outOfReachFor(nobody)
  if (skip) return t.skip(skip)
  const dataDir = await emptyFolder(t, { uid: nobody })
  const byRoot = await start(dataDir)
  await byRoot.stop()
  const elsewhere = await serveElsewhere(t, dataDir, nobody)
  assert.equal(elsewhere.report.url.replace(/\d+\/holdfast/, ''), byRoot.url.replace(/\d+\/holdfast/, ''))
  await elsewhere.end()
})

test('another user is told that the database is not theirs', async t => {
  const skip = await outOfReachFor(nobody)
  if (skip) return t.skip(skip)
  const dataDir = await emptyFolder(t)
  await prepareFolders(dataDir)
  const { report } = await serveElsewhere(t, dataDir, nobody)
  assert.equal(report.problem, 'folder-not-usable')
  assert.match(report.message!, /cannot be written by this user/)
})

test('a user without a name is told what PostgreSQL needs', async t => {
  const skip = await outOfReachFor(nameless)
  if (skip) return t.skip(skip)
  const { report } = await serveElsewhere(t, await emptyFolder(t, { uid: nameless }), nameless)
  assert.equal(report.problem, 'account-not-usable')
  assert.match(report.message!, /uid 54321\) has no name/)
})
