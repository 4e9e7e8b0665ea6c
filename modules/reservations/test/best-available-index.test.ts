import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FitIndex } from '../best-available/fit-index.ts'

test('property: the index finds the slot that walking along all slots finds', () => {
  const mask = fc.constantFrom(0, 0, 0, 1, 2, 3, 1 << 31)
  fc.assert(
    fc.property(
      fc.array(mask, { minLength: 1, maxLength: 40 }),
      fc.array(fc.tuple(fc.nat(39), mask)),
      fc.nat(40),
      fc.nat(40),
      fc.constantFrom(1, 2, 1 << 31),
      (masks, changes, from, to, bit) => {
        const index = new FitIndex(masks.length)
        const set = (slot: number, mask: number) => {
          masks[slot] = mask
          index.set(slot, mask)
        }
        for (const [slot, mask] of masks.entries()) set(slot, mask)
        for (const [slot, mask] of changes) set(slot % masks.length, mask)
        const end = Math.min(to, masks.length)
        assert.equal(
          index.next(from, end, bit),
          masks.findIndex((m, n) => n >= from && n < end && (m & bit) !== 0),
        )
      },
    ),
    { seed: 20_26_11_22, numRuns: 500 },
  )
})
