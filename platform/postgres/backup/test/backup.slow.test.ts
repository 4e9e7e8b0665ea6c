import assert from 'node:assert/strict'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '#kernel/clock.ts'
import { emptyFolder, keep, kept, killAll, query, start } from '../../embedded/test/clusters.ts'
import { takeBaseBackup } from '../base-backup.ts'
import { backupNames } from '../manifest.ts'
import { restoreCluster } from '../restore-cluster.ts'
import { makeStandby, promoteStandby, setSynchronousStandby, standbyState } from '../standby.ts'
import { pruneBackups, verifyBackup } from '../verify-backup.ts'

const quiet = () => {}

test('a database comes back from its backup: to the end, to a moment, and never from a damaged one', async t => {
  const dataDir = await emptyFolder(t)
  const backupDir = join(dirname(dataDir), 'backup')
  const server = await start(dataDir, { backupDir })
  await keep(server.url, 'before the copy')
  const { name, manifest } = await takeBaseBackup({
    dataDir,
    url: server.url,
    backupDir,
    product: 'test',
    progress: quiet,
  })
  assert.ok(manifest.files.length > 500)
  await keep(server.url, 'after the copy')
  await query(server.url, 'select pg_switch_wal()')
  const moment = (await query(server.url, 'select clock_timestamp() as at'))[0]!.at as Date | number
  await systemClock.sleep(50)
  await keep(server.url, 'last')
  const [last] = await query(server.url, 'select pg_walfile_name(pg_switch_wal()) as name')
  const archived = async () => (await readdir(join(backupDir, 'wal'))).includes(`${last!.name}.gz`)
  while (!(await archived())) await systemClock.sleep(50)
  assert.deepEqual((await verifyBackup(backupDir, name, quiet)).problems, [])

  const restore = (to: number | null, replace = false, from = backupDir) =>
    restoreCluster({ dataDir, backupDir: from, to, backup: null, replace, progress: quiet })
  await assert.rejects(restore(null), /A server runs/)
  await server.stop()
  await assert.rejects(restore(null), /has a database/)
  await killAll(dataDir)
  await rm(join(dataDir, 'cluster'), { recursive: true })

  const damaged = join(dirname(dataDir), 'damaged')
  await cp(backupDir, damaged, { recursive: true })
  const victim = join(damaged, 'base', name, 'cluster/global/pg_control')
  const bytes = await readFile(victim)
  bytes[100]! ^= 1
  await writeFile(victim, bytes)
  await assert.rejects(restore(null, false, damaged), /pg_control is not what the backup's manifest says/)
  assert.match((await verifyBackup(damaged, name, quiet)).problems.join(), /pg_control is damaged/)

  const gap = join(dirname(dataDir), 'gap')
  await cp(backupDir, gap, { recursive: true })
  const segments = (await readdir(join(gap, 'wal'))).filter(file => /^[0-9A-F]{24}\.gz$/.test(file)).sort()
  const missing = segments.at(-2)!
  await rm(join(gap, 'wal', missing))
  await assert.rejects(restore(null, false, gap), new RegExp(`Segment ${missing.slice(0, 24)} of the log is missing`))

  const whole = await restore(null)
  assert.equal(await kept(whole.server.url), 'last')
  await whole.server.stop()
  const earlier = await restore(new Date(moment as number).getTime(), true)
  assert.equal(await kept(earlier.server.url), 'after the copy')
  assert.match(earlier.putAside!, /cluster\.before-/)
  const [line] = await query(
    earlier.server.url,
    'select left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) as timeline',
  )
  assert.equal(line!.timeline, '00000003', 'a history of its own')
  await earlier.server.stop()
  await assert.rejects(restore(systemClock.now() + 3_600_000, true), /The archive ends before/)
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
