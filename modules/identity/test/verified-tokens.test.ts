import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVerifiedTokens } from '../tokens/verified-tokens.ts'

test('a token that keeps coming is remembered through any number of others', () => {
  const verified = createVerifiedTokens<{ n: number }>(10)
  verified.add('regular', { n: 1 })
  for (let i = 0; i < 1000; i++) {
    verified.add(`once-${i}`, { n: i })
    assert.deepEqual(verified.get('regular'), { n: 1 })
  }
})

test('at most two generations are remembered', () => {
  const verified = createVerifiedTokens<{ n: number }>(10)
  for (let i = 0; i < 1000; i++) verified.add(`token-${i}`, { n: i })
  const known = Array.from({ length: 1000 }, (_, i) => `token-${i}`).slice(0, 980)
  assert.ok(known.every(token => verified.get(token) === undefined))
})
