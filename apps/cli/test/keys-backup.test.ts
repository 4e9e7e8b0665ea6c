import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { holdfast } from './run.ts'

const root = mkdtempSync(join(tmpdir(), 'holdfast-keys-'))
after(() => rmSync(root, { recursive: true, force: true }))
const data = join(root, 'data')
mkdirSync(join(data, 'keys'), { recursive: true })
writeFileSync(join(data, 'keys/token-secret'), 'a secret of tokens')
writeFileSync(join(data, 'keys/postgres-password'), 'a password')
const file = join(root, 'keys.sealed')
const env = { HOLDFAST_KEYS_PASSPHRASE: 'correct horse battery staple' }

test('keys come back from their backup, with its passphrase alone, and are not written over', async () => {
  const made = await holdfast(['keys', 'backup', '--data', data, '--out', file], { env })
  assert.equal(made.code, 0, made.stderr)
  assert.ok(!readFileSync(file, 'utf8').includes(Buffer.from('a secret').toString('base64').slice(0, 8)))
  assert.equal((await holdfast(['keys', 'backup', '--data', data, '--out', file], { env })).code, 1, 'it is there')

  const other = join(root, 'other')
  const restore = ['keys', 'restore', '--data', other, '--from', file, '--json']
  mkdirSync(other)
  const wrong = await holdfast(restore, { env: { HOLDFAST_KEYS_PASSPHRASE: 'wrong horse battery staple' } })
  assert.equal(wrong.code, 1)
  assert.match(wrong.stderr, /passphrase is not the right one/)
  assert.deepEqual((await holdfast(restore, { env })).json().written, ['keys/postgres-password', 'keys/token-secret'])
  assert.equal(readFileSync(join(other, 'keys/token-secret'), 'utf8'), 'a secret of tokens')

  writeFileSync(join(other, 'keys/token-secret'), 'another')
  rmSync(join(other, 'keys/postgres-password'))
  const differs = await holdfast(restore, { env })
  assert.match(differs.stderr, /token-secret is there and differs/)
  assert.throws(() => readFileSync(join(other, 'keys/postgres-password')), 'nothing is written then')
})

test('a backup in which one byte differs is refused, and a short passphrase too', async () => {
  const text = readFileSync(file, 'utf8')
  const box = JSON.parse(text)
  const bytes = Buffer.from(box.sealed, 'base64')
  bytes[5]! ^= 1
  const bent = join(root, 'bent')
  writeFileSync(bent, JSON.stringify({ ...box, sealed: bytes.toString('base64') }))
  const { code, stderr } = await holdfast(['keys', 'restore', '--data', root, '--from', bent], { env })
  assert.equal(code, 1)
  assert.match(stderr, /or the file is damaged/)
  const short = await holdfast(['keys', 'backup', '--data', data, '--out', join(root, 'short')], {
    env: { HOLDFAST_KEYS_PASSPHRASE: 'short' },
  })
  assert.match(short.stderr, /at least 15 characters/)
})
