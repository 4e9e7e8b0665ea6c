import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { advance, contains, formatSnapshot, includesAll, parseSnapshot, type Snapshot } from '../snapshot.ts'

const highest = 40

/** Two snapshots of one database, the second later: what had ended in the first has ended in the second. */
const twoMoments = fc
  .record({
    xmax: fc.integer({ min: 1, max: highest }),
    grown: fc.integer({ min: 0, max: 10 }),
    openBefore: fc.uniqueArray(fc.integer({ min: 1, max: highest })),
    openAfter: fc.uniqueArray(fc.integer({ min: 1, max: highest + 10 })),
  })
  .map(({ xmax, grown, openBefore, openAfter }) => {
    const last = snapshotOf(xmax, openBefore)
    const now = snapshotOf(
      xmax + grown,
      openAfter.filter(xid => !contains(last, BigInt(xid))),
    )
    return { last, now }
  })

test('a snapshot survives being written and read', () => {
  fc.assert(
    fc.property(twoMoments, ({ now }) => {
      assert.deepEqual(parseSnapshot(formatSnapshot(now)), now)
    }),
  )
  assert.deepEqual(parseSnapshot('10:20:10,14,15'), { xmax: 20n, open: [10n, 14n, 15n] })
  assert.deepEqual(parseSnapshot('20:20:'), { xmax: 20n, open: [] })
  assert.throws(() => parseSnapshot('20:20'))
})

test('a later snapshot includes all of an earlier one, and not the other way round', () => {
  fc.assert(
    fc.property(twoMoments, ({ last, now }) => {
      assert(includesAll(now, last))
      const same = members(last).length === members(now).length
      assert.equal(includesAll(last, now), same && last.xmax >= now.xmax)
    }),
  )
})

test('a piece of the way adds exactly what ended since and is not above its end', () => {
  fc.assert(
    fc.property(twoMoments, fc.integer({ min: 1, max: highest + 10 }), ({ last, now }, through) => {
      fc.pre(BigInt(through) < now.xmax)
      const piece = advance(last, now, BigInt(through))
      const expected = all().filter(xid => contains(last, xid) || (xid <= BigInt(through) && contains(now, xid)))
      assert.deepEqual(members(piece), expected)
      assert(includesAll(now, piece) && includesAll(piece, last))
      assert.deepEqual(parseSnapshot(formatSnapshot(piece)), piece, 'its open transactions are in order')
    }),
  )
})

function snapshotOf(xmax: number, open: number[]): Snapshot {
  return {
    xmax: BigInt(xmax),
    open: open
      .filter(xid => xid < xmax)
      .sort((a, b) => a - b)
      .map(BigInt),
  }
}

function all(): bigint[] {
  return Array.from({ length: highest + 11 }, (_, i) => BigInt(i))
}

function members(snapshot: Snapshot): bigint[] {
  return all().filter(xid => contains(snapshot, xid))
}
