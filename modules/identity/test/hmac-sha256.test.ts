import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createHmacSha256 } from '../tokens/hmac-sha256.ts'

test('the examples of RFC 4231', () => {
  const examples = [
    [Buffer.alloc(20, 0x0b), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [
      Buffer.from('Jefe'),
      'what do ya want for nothing?',
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
  ] as const
  for (const [secret, text, expected] of examples)
    assert.equal(Buffer.from(createHmacSha256(secret)(text), 'base64url').toString('hex'), expected)
})

test('the same as the library’s, for keys and texts of all lengths, also outside of ASCII', () => {
  for (let length = 0; length <= 64; length += 8) {
    const secret = randomBytes(length)
    const hmac = createHmacSha256(secret)
    for (const text of [
      '',
      'a'.repeat(length),
      'é€😀'.repeat(length),
      '\u0141\u0000',
      randomBytes(length * 8).toString('base64url'),
    ])
      assert.deepEqual(hmac(text), createHmac('sha256', secret).update(text).digest('base64url'), JSON.stringify(text))
  }
})

test('a key or a text that is too long is a mistake of ours, and not cut', () => {
  assert.throws(() => createHmacSha256(randomBytes(65)), /hashed first/)
  assert.throws(() => createHmacSha256(randomBytes(32))('a'.repeat(1366)), /is short/)
})
