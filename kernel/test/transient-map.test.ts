import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textHash } from '../text-hash.ts'
import { TransientMap } from '../transient-map.ts'

const command = fc.record({
  kind: fc.constantFrom('set', 'set', 'delete', 'get'),
  key: fc.integer({ min: 0, max: 400 }),
  value: fc.nat(),
})

// Many keys a bucket, one, and as they are: what is right must not hang on how well a hash spreads.
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

test('a hash of FNV-1a is that of its authors for texts of ASCII', () => {
  assert.deepEqual(['', 'a', 'foobar'].map(textHash), [0x811c9dc5, 0xe40c292c, 0xbf9cf968])
})
