import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '#kernel/clock.ts'
import { systemRandom } from '#kernel/random.ts'
import { loadTokenKeys } from '../tokens/token-keys.ts'

const random = systemRandom()
const folder = () => join(mkdtempSync(join(tmpdir(), 'holdfast-keys-')), 'keys')
const load = (folder: string) => loadTokenKeys({ folder, random, clock: systemClock })
const kids = (keys: { kid: string }[]) => keys.map(key => key.kid)

test('the key is made once, for the owner alone, and found again', async () => {
  const place = folder()
  const made = await load(place)
  assert.deepEqual(kids(await load(place)), kids(made))
  assert.equal(statSync(join(place, 'token-keys.json')).mode & 0o777, 0o600)
  assert.equal(statSync(place).mode & 0o777, 0o700)
})

test('twenty first starts at once agree on one key and leave nothing beside it', async () => {
  const place = folder()
  const all = await Promise.all(Array.from({ length: 20 }, () => load(place)))
  assert.equal(new Set(all.flatMap(kids)).size, 1)
  assert.deepEqual(readdirSync(place), ['token-keys.json'])
})

test('a key file that is none stops the start instead of ending every session', async () => {
  const place = folder()
  await load(place)
  for (const content of ['', '{}', '{"keys":[]}', '{"keys":[{"secret":"short"}]}']) {
    writeFileSync(join(place, 'token-keys.json'), content)
    await assert.rejects(load(place), /token-keys\.json does not hold token keys/)
  }
})

test('a secret from the settings is used as it is everywhere, the previous one after it', async () => {
  const settings = { folder: '/nowhere', random, clock: systemClock, secret: 'a'.repeat(32) }
  const [first] = await loadTokenKeys(settings)
  const rotated = await loadTokenKeys({ ...settings, secret: 'b'.repeat(32), previousSecret: 'a'.repeat(32) })
  assert.equal(rotated[1]!.kid, first!.kid)
  assert.ok(rotated[1]!.secret.equals(first!.secret))
  assert.notEqual(rotated[0]!.kid, first!.kid)
})
