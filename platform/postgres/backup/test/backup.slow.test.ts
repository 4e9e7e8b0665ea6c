import assert from 'node:assert/strict'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '#kernel/clock.ts'
import { emptyFolder, keep, kept, killAll, query, start } from '../../embedded/test/clusters.ts'
import { takeBaseBackup } from '../base-backup.ts'
import { backupNames } from '../manifest.ts'
import { restoreCluster } from '../restore-cluster.ts'
import { makeStandby, promoteStandby, setSynchronousStandby, standbyState } from '../standby.ts'
import { pruneBackups, verifyBackup } from '../verify-backup.ts'

const quiet = () => {}

type Wished = { to?: number | null; timeline?: number | null; replace?: boolean; from?: string }

async function shop(t: TestContext) {
  const dataDir = await emptyFolder(t)
  const backupDir = join(dirname(dataDir), 'backup')
  const server = await start(dataDir, { backupDir })
  const backup = () => takeBaseBackup({ dataDir, url: server.url, backupDir, product: 'test', progress: quiet })
  const restore = ({ to = null, timeline = null, replace = true, from = backupDir }: Wished = {}) =>
    restoreCluster({ dataDir, backupDir: from, to, timeline, backup: null, replace, progress: quiet })
  return { dataDir, backupDir, server, backup, restore }
}

/** Writes it down, and waits until the archive has it. @returns a moment at which it is the last that is known */
async function keepArchived(url: string, backupDir: string, value: string): Promise<number> {
  await keep(url, value)
  const moment = await databaseTime(url)
  await systemClock.sleep(20)
  // Only a commit that comes later shows a recovery that it has reached the moment.
  await keep(url, `after ${value}`)
  await keep(url, value)
  const [last] = await query(url, 'select pg_walfile_name(pg_switch_wal()) as name')
  while (!(await readdir(join(backupDir, 'wal'))).includes(`${last!.name}.gz`)) await systemClock.sleep(50)
  return moment
}

async function databaseTime(url: string): Promise<number> {
  const [row] = await query(url, 'select clock_timestamp() as at')
  return new Date(row!.at as number).getTime()
}

test('a database comes back from its backup: to the end, to a moment, and never from a damaged one', async t => {
  const { dataDir, backupDir, server, backup, restore } = await shop(t)
  await keep(server.url, 'before the copy')
  // As of one that waited for a standby: the setting is in the copy, and nobody follows what is made of it.
  await query(server.url, `alter system set synchronous_standby_names = 'twin'`)
  const { name, manifest } = await backup()
  await query(server.url, 'alter system reset synchronous_standby_names')
  assert.ok(manifest.files.length > 500)
  const moment = await keepArchived(server.url, backupDir, 'after the copy')
  await keepArchived(server.url, backupDir, 'later')
  await keepArchived(server.url, backupDir, 'last')
  assert.deepEqual((await verifyBackup(backupDir, name, quiet)).problems, [])

  await assert.rejects(restore({ replace: false }), /A server runs on .* \(process \d+\)/)
  await server.stop()
  await assert.rejects(restore({ replace: false }), /has a database/)
  await killAll(dataDir)
  await rm(join(dataDir, 'cluster'), { recursive: true })

  const damaged = join(dirname(dataDir), 'damaged')
  await cp(backupDir, damaged, { recursive: true })
  const victim = join(damaged, 'base', name, 'cluster/global/pg_control')
  const bytes = await readFile(victim)
  bytes[100]! ^= 1
  await writeFile(victim, bytes)
  await assert.rejects(restore({ from: damaged }), /pg_control is not what the backup's manifest says/)
  assert.match((await verifyBackup(damaged, name, quiet)).problems.join(), /pg_control is damaged/)

  const gap = join(dirname(dataDir), 'gap')
  await cp(backupDir, gap, { recursive: true })
  const segments = (await readdir(join(gap, 'wal'))).filter(file => /^[0-9A-F]{24}\.gz$/.test(file)).sort()
  const missing = segments.at(-2)!
  await rm(join(gap, 'wal', missing))
  await assert.rejects(restore({ from: gap }), new RegExp(`Segment ${missing.slice(0, 24)} of the log is missing`))
  const beforeTheGap = await restore({ from: gap, to: moment })
  assert.equal(await kept(beforeTheGap.server.url), 'after the copy')
  await beforeTheGap.server.stop()

  // A new machine has nothing but the backup.
  await rm(dataDir, { recursive: true })
  await rm(join(dirname(dataDir), 'keys'), { recursive: true })
  const whole = await restore({ replace: false })
  assert.equal(await kept(whole.server.url), 'last')
  await keep(whole.server.url, 'waits for no standby')
  await whole.server.stop()
  const again = await start(dataDir)
  await keep(again.url, 'nor after the next start')
  const [{ mode }] = (await query(again.url, `select current_setting('archive_mode') as mode`)) as [{ mode: string }]
  assert.equal(mode, 'on', 'whoever starts it for a moment leaves no gap')
  await again.stop()
  await assert.rejects(restore({ to: systemClock.now() + 3_600_000 }), /The archive ends before/)
})

test('a moment is looked for in the history in which the box office then was', async t => {
  const { dataDir, backupDir, server, backup, restore } = await shop(t)
  await backup()
  const early = await keepArchived(server.url, backupDir, 'early')
  const late = await keepArchived(server.url, backupDir, 'late')
  await server.stop()

  const first = await restore({ to: early })
  assert.deepEqual([first.timeline, await kept(first.server.url)], [1, 'early'])
  await first.server.stop()
  const reopened = await start(dataDir)
  const evening = await keepArchived(reopened.url, backupDir, 'the evening after')
  await reopened.stop()

  const second = await restore({ to: late })
  assert.deepEqual([second.timeline, await kept(second.server.url)], [1, 'late'], 'what the first restore gave up')
  await second.server.stop()
  for (const [wish, timeline, value] of [
    [{ to: early }, 3, 'early'],
    [{ to: evening }, 2, 'the evening after'],
    [{ timeline: 2 }, 2, 'the evening after'],
    [{ timeline: 1 }, 1, 'late'],
  ] as const) {
    const found = await restore(wish)
    assert.deepEqual([found.timeline, await kept(found.server.url)], [timeline, value], JSON.stringify(wish))
    await found.server.stop()
  }
  await assert.rejects(restore({ timeline: 99 }), /no history 99 goes on\. There are .*2 \(since 20.*1\./)
})

test('two backups are not made at once', async t => {
  const { backup } = await shop(t)
  const made = await Promise.allSettled([backup(), backup()])
  const refused = made.filter(one => one.status === 'rejected')
  assert.equal(refused.length, 1)
  assert.match(String(refused[0]!.reason), /Another backup is being made/)
})

test('a server that was archived and is no more says so, and one that is only looked at is not made', async t => {
  const { dataDir, server } = await shop(t)
  await server.stop()
  const said: string[] = []
  const bare = await start(dataDir, { backupDir: null, log: line => said.push(line) })
  assert.match(said.join('\n'), /no longer archived in .*backup/)
  const [{ mode }] = (await query(bare.url, `select current_setting('archive_mode') as mode`)) as [{ mode: string }]
  assert.equal(mode, 'off')
  await bare.stop()
  await assert.rejects(start(join(dataDir, 'elsewhere'), { make: false }), /There is no database in .*elsewhere/)
})

test('a server that does not archive its log, or archives it elsewhere, is not backed up', async t => {
  for (const archived of [undefined, 'elsewhere']) {
    const dataDir = await emptyFolder(t)
    const backupDir = join(dirname(dataDir), 'backup')
    const server = await start(dataDir, archived === undefined ? {} : { backupDir: join(dirname(dataDir), archived) })
    const made = takeBaseBackup({ dataDir, url: server.url, backupDir, product: 'test', progress: quiet })
    await assert.rejects(made, /does not archive its log in .*backup\/wal.*HOLDFAST_BACKUP_DIR/)
    assert.deepEqual(await backupNames(join(backupDir, 'base')), [])
  }
})

test('old backups go, and with them the log that only they need', async t => {
  const dataDir = await emptyFolder(t)
  const backupDir = join(dirname(dataDir), 'backup')
  const server = await start(dataDir, { backupDir })
  const options = { dataDir, url: server.url, backupDir, product: 'test', progress: quiet }
  const first = await takeBaseBackup(options)
  await systemClock.sleep(1100) // named by the second
  const second = await takeBaseBackup(options)
  const dropped = await pruneBackups(backupDir, 1)
  assert.deepEqual(await backupNames(join(backupDir, 'base')), [second.name])
  assert.ok(dropped.segments > 0 && first.name < second.name)
  assert.deepEqual((await verifyBackup(backupDir, second.name, quiet)).problems, [])
})

test('a synchronous standby has what the primary acknowledged, and serves when it is promoted', async t => {
  const primaryDir = await emptyFolder(t)
  const standbyDir = await emptyFolder(t)
  const primary = await start(primaryDir)
  await mkdir(dirname(standbyDir), { recursive: true })
  await makeStandby({ primaryDir, standbyDir, primaryUrl: primary.url, name: 'twin', progress: quiet })
  const standby = await start(standbyDir)
  await setSynchronousStandby(primary.url, 'twin')
  while ((await standbyState(primary.url, 'twin')) !== 'sync') await systemClock.sleep(50)
  await keep(primary.url, 'acknowledged')
  await killAll(primaryDir)
  await promoteStandby(standby.url)
  assert.equal(await kept(standby.url), 'acknowledged')
  await keep(standby.url, 'goes on')
})
