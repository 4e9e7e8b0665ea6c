import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCursor, writeCursor } from '../cursor.ts'
import { readEventQuery } from '../read-query.ts'

test('cursors read back, and made-up ones are refused', () => {
  for (const cursor of [
    { startsAt: 1_900_000_000_000, eventNo: 7 },
    { offset: 40, approximate: true },
  ]) {
    assert.deepEqual(readCursor(writeCursor(cursor)), cursor)
  }
  for (const text of [
    '',
    'x',
    '!!!',
    Buffer.from('k 1').toString('base64url'),
    Buffer.from('o 99999999 0').toString('base64url'),
  ]) {
    assert.equal(readCursor(text), null, text)
  }
})

test('a date means its whole day, a time itself', () => {
  const day = readEventQuery({ from: '2030-05-01', to: '2030-05-01', limit: 20 })
  assert.ok(day.ok)
  assert.equal(day.search.to! - day.search.from!, 24 * 60 * 60 * 1000)
  const time = readEventQuery({ to: '2030-05-01T10:00:00+02:00', limit: 20 })
  assert.equal(time.ok && time.search.to, Date.parse('2030-05-01T08:00:00Z') + 1)
})

test('everything that is wrong is told', () => {
  const wrong = readEventQuery({ from: 'May', to: '2030-13-01', cursor: 'x', q: 'a\0', limit: 20 })
  assert.deepEqual(wrong.ok ? [] : wrong.errors.map(({ path }) => path), ['from', 'to', 'cursor', 'q'])
})

test('a cursor of a list does not fit a search', () => {
  const cursor = writeCursor({ startsAt: 1, eventNo: 1 })
  assert.ok(readEventQuery({ cursor, limit: 20 }).ok)
  assert.ok(!readEventQuery({ cursor, q: 'x', limit: 20 }).ok)
})
