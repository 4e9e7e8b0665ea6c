import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { systemClock } from '#kernel/clock.ts'
import { readConfig } from '#platform/config/config.ts'
import { checkClocks, checkConnections, checkDurability, checkVersion, type ServerFacts } from '../doctor/database.ts'
import { checkDataFolder, checkDisk, checkNode, checkPort } from '../doctor/machine.ts'

const configOf = (env: Record<string, string>) => readConfig(env).config
const folder = mkdtempSync(join(tmpdir(), 'holdfast-doctor-'))

test('Node must have argon2', () => {
  assert.deepEqual(
    ['20.20.2', '22.19.0', '24.6.9', '24.7.0', '24.21.0', '26.0.0'].map(version => checkNode(version).status),
    ['fail', 'fail', 'fail', 'ok', 'ok', 'ok'],
  )
})

suite('the data folder', () => {
  test('is fine when it can be written or made', async () => {
    assert.match(
      (await checkDataFolder(configOf({ HOLDFAST_DATA: folder }), systemClock)).found,
      /a flush takes [\d.]+ ms/,
    )
    const later = await checkDataFolder(configOf({ HOLDFAST_DATA: join(folder, 'not', 'yet') }), systemClock)
    assert.deepEqual([later.status, /will be made/.test(later.found)], ['ok', true])
  })

  test('fails when it cannot', { skip: process.getuid?.() === 0 && 'root may write everywhere' }, async () => {
    const locked = mkdtempSync(join(tmpdir(), 'holdfast-doctor-'))
    chmodSync(locked, 0o500)
    assert.equal((await checkDataFolder(configOf({ HOLDFAST_DATA: join(locked, 'data') }), systemClock)).status, 'fail')
  })

  test('is on a disk whose free space is told', async () => {
    assert.match((await checkDisk(configOf({ HOLDFAST_DATA: folder }))).found, /^[\d.]+ GB free/)
  })
})

test('a port that somebody else has fails with another to take, a free one does not', async () => {
  const other = createServer(socket => socket.destroy())
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  const config = configOf({ PORT: String(port) })
  const taken = await checkPort(config)
  assert.deepEqual([taken.status, taken.advice], ['fail', `Choose another: PORT=${port + 1}.`])
  await new Promise(resolve => other.close(resolve))
  assert.equal((await checkPort(config)).status, 'ok')
  assert.equal(
    (await checkPort(configOf({ PORT: String(port), HOST: '192.0.2.1' }))).status,
    'fail',
    'an address of another machine',
  )
})

suite('the database', () => {
  const facts: ServerFacts = {
    version: 180_004,
    versionText: '18.4',
    settings: {
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      max_connections: '100',
      superuser_reserved_connections: '3',
    },
    clockAheadMs: 0,
    roundTripMs: 2,
  }
  const withSettings = (settings: Record<string, string>) => ({
    ...facts,
    settings: { ...facts.settings, ...settings },
  })

  test('must be of version 15 or later', () => {
    assert.equal(checkVersion(facts).status, 'ok')
    assert.equal(checkVersion({ ...facts, version: 140_012 }).status, 'fail')
  })

  test('must keep what it acknowledged', () => {
    assert.equal(checkDurability(facts).status, 'ok')
    for (const name of ['fsync', 'full_page_writes', 'synchronous_commit']) {
      const check = checkDurability(withSettings({ [name]: 'off' }))
      assert.deepEqual([check.status, check.found], ['fail', `${name} off`])
    }
    assert.equal(checkDurability(withSettings({ synchronous_commit: 'remote_apply' })).status, 'ok')
  })

  test('may be half a second apart from the process, beyond what the answer took', () => {
    const statusOf = (clockAheadMs: number, roundTripMs = 2) =>
      checkClocks({ ...facts, clockAheadMs, roundTripMs }).status
    assert.deepEqual([statusOf(400), statusOf(-600), statusOf(6000)], ['ok', 'warn', 'fail'])
    assert.equal(statusOf(900, 1000), 'ok')
  })

  test('must have connections for the pools, better of two processes', () => {
    const statusOf = (max: string) => checkConnections(withSettings({ max_connections: max }), configOf({})).status
    assert.deepEqual([statusOf('100'), statusOf('40'), statusOf('20')], ['ok', 'warn', 'fail'])
  })
})
