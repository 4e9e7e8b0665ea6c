import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeSnapshot } from '../publish/snapshot.ts'
import { stateIn } from './read-snapshot.ts'

test('seat n is in bits 2(n mod 4) and the next of byte n >> 2', () => {
  assert.deepEqual([...encodeSnapshot(Uint8Array.of(1, 2, 3, 0, 3))], [0b00_11_10_01, 0b11])
})

test('the length is that of the seats, four a byte, rounded up', () => {
  const lengths = [0, 1, 4, 5, 80_000].map(count => encodeSnapshot(new Uint8Array(count)).length)
  assert.deepEqual(lengths, [0, 1, 1, 2, 20_000])
})

test('every state is read back, and the last byte has nothing else', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 50 }), states => {
      const snapshot = encodeSnapshot(Uint8Array.from(states))
      const padded = Array.from({ length: 4 * snapshot.length }, (_, n) => stateIn(snapshot, n))
      assert.deepEqual(padded, [...states, ...new Array(padded.length - states.length).fill(0)])
    }),
    { seed: 20261122 },
  )
})
