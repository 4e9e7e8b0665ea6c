import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSame } from '../cacheable.ts'

test('a copy is the same by its tag, weak or strong, alone or in a list', () => {
  for (const header of ['"a"', 'W/"a"', '"b", "a"', ' "a" ', '*']) assert.ok(isSame(header, '"a"'), header)
  assert.ok(isSame('"a"', 'W/"a"'))
})

test('another tag, half a tag or none is not the same', () => {
  for (const header of [undefined, '"b"', 'a', '"a', '']) assert.ok(!isSame(header, '"a"'), String(header))
})
