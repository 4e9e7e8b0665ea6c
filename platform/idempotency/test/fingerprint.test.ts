import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonical, fingerprint, isKey } from '../fingerprint.ts'

const base = { userId: 'usr_1', method: 'POST', path: '/v1/venues', key: 'k', body: { name: 'Arena', rows: [1, 2] } }

test('a key is 1 to 255 printable ASCII characters', () => {
  for (const key of ['a', '8e03978e-40d5-43dd-bc93-6894a57f9324', '~'.repeat(255), 'two words'])
    assert.equal(isKey(key), true, key)
  for (const key of ['', '~'.repeat(256), 'ä', 'a\nb', 'a\0', ' a', undefined, ['a', 'b']])
    assert.equal(isKey(key), false, JSON.stringify(key))
})

test('the order of members says nothing, the order of an array does', () => {
  assert.equal(canonical({ b: [1, { d: 1, c: 2 }], a: null }), '{"a":null,"b":[1,{"c":2,"d":1}]}')
  assert.notEqual(canonical([1, 2]), canonical([2, 1]))
})

test('canonical text is JSON of the same value, whatever the value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value =>
      assert.deepEqual(JSON.parse(canonical(value)), JSON.parse(JSON.stringify(value))),
    ),
  )
})

test('user, method, path and key each make another key, the body another request', () => {
  const { keyHash, requestHash } = fingerprint(base)
  for (const change of [{ userId: 'usr_2' }, { method: 'PATCH' }, { path: '/v1/events' }, { key: 'l' }])
    assert.ok(!fingerprint({ ...base, ...change }).keyHash.equals(keyHash), JSON.stringify(change))
  const other = fingerprint({ ...base, body: { name: 'Arena', rows: [2, 1] } })
  assert.ok(other.keyHash.equals(keyHash) && !other.requestHash.equals(requestHash))
})

test('a body cannot be guessed from its print without the key', () => {
  const under = (key: string) => fingerprint({ ...base, key }).requestHash
  assert.ok(!under('k').equals(under('l')))
})
