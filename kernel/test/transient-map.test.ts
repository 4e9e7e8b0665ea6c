import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textHash } from '../hashes.ts'
import { TransientMap } from '../transient-map.ts'

const command = fc.record({
  kind: fc.constantFrom('set', 'set', 'delete', 'get'),
  key: fc.integer({ min: 0, max: 400 }),
  value: fc.nat(),
})

// What is right must not hang on how well a hash spreads.
for (const [name, hashOf] of [
  ['a hash that spreads', (key: string) => textHash(key)],
  ['one bucket for all', () => 7],
] as const)
  test(`it keeps what a Map keeps, with ${name}`, () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 1500, size: 'max' }), commands => {
        const ours = new TransientMap<string, number>(hashOf)
        const model = new Map<string, number>()
        for (const { kind, key: number, value } of commands) {
          const key = `key ${number}`
          if (kind === 'set') {
            ours.set(key, value)
            model.set(key, value)
          }
          if (kind === 'delete') {
            ours.delete(key)
            model.delete(key)
          }
          assert.equal(ours.get(key), model.get(key))
          assert.equal(ours.has(key), model.has(key))
          assert.equal(ours.size, model.size)
        }
        for (let number = 0; number <= 400; number++)
          assert.equal(ours.get(`key ${number}`), model.get(`key ${number}`))
      }),
      { numRuns: 30 },
    )
  })

test('numbers that do not fit into 32 bits are told apart', () => {
  const ours = new TransientMap<number, number>(key => key)
  const keys = Array.from({ length: 300 }, (_, i) => i * 2 ** 32 + (i & 3))
  for (const key of keys) ours.set(key, key)
  for (const key of keys) assert.equal(ours.get(key), key)
  for (const key of keys.slice(1)) ours.delete(key)
  assert.deepEqual([ours.size, ours.get(keys[0]!), ours.get(keys[1]!)], [1, 0, undefined])
})

test('a hash of FNV-1a is that of its authors for texts of ASCII', () => {
  assert.deepEqual(['', 'a', 'foobar'].map(textHash), [0x811c9dc5, 0xe40c292c, 0xbf9cf968])
})
