import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { systemClock } from '../clock.ts'
import { eventNoOf, fromUuid, newId, parseId, toUuid } from '../ids.ts'
import { systemRandom } from '../random.ts'

const source = { clock: systemClock, random: systemRandom() }

test('an id survives the way to uuid text and back', () => {
  for (let i = 0; i < 1000; i++) {
    const id = newId('rsv', source, i)
    assert.equal(fromUuid('rsv', toUuid(id)), id)
    assert.equal(parseId('rsv', id), id)
  }
})

test('every uuid has exactly one spelling on the wire', () => {
  fc.assert(fc.property(fc.uuid(), uuid => assert.equal(toUuid(fromUuid('usr', uuid)), uuid)))
})

test('ids of an event carry its number', () => {
  for (const eventNo of [1, 40, 65536, 2 ** 31 - 1]) assert.equal(eventNoOf(newId('tkt', source, eventNo)), eventNo)
})

test('ids sort by the time they were made', () => {
  let now = 1_700_000_000_000
  const clock = { ...systemClock, now: () => now++ }
  const ids = Array.from({ length: 200 }, () => newId('evt', { clock, random: source.random }))
  assert.deepEqual(ids.toSorted(), ids)
})

test('anything that is not a well-formed id of the kind is not parsed', () => {
  const id = newId('rsv', source)
  const bad = [
    id.replace('rsv', 'pay'),
    id.slice(0, -1),
    `${id}0`,
    id.toUpperCase(),
    `rsv_8${id.slice(5)}`,
    `rsv_u${id.slice(5)}`,
    '',
    'rsv_',
    `rsv-${id.slice(4)}`,
    `rsv_${'é'.repeat(26)}`,
  ]
  for (const text of bad) assert.equal(parseId('rsv', text), null, text)
})
