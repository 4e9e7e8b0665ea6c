import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverSettings } from '../settings.ts'

test('a server that sells cannot be told to forget what it acknowledged', () => {
  for (const promise of ['fsync', 'full_page_writes', 'synchronous_commit'])
    assert.throws(() => serverSettings('server', { [promise]: 'off' }), { name: 'Bug' })
  assert.equal(serverSettings('server').fsync, 'on')
})

test('a server for tests does not wait for the disk, and settings given win', () => {
  assert.equal(serverSettings('tests').fsync, 'off')
  assert.equal(serverSettings('tests', { max_connections: '7' }).max_connections, '7')
})
