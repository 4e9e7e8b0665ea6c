import { hash } from 'node:crypto'
import { assert } from '#kernel/assert.ts'

const blockBytes = 64
const hashBytes = 32
/** More than any token of ours, three bytes a character at most. */
const textBytesMax = 4096

/**
 * HMAC with SHA-256 (RFC 2104) of short texts, in UTF-8, by one key: two hashes over buffers that are at hand, which give text, since that
 * costs half of what a buffer does; 1–2 µs in all. The library's own makes an object for each, which took 14 µs by itself and 6 % of an
 * attempt to hold.
 *
 * @param secret at most 64 bytes
 * @returns what gives the HMAC of a text in base64url
 */
export function createHmacSha256(secret: Buffer): (text: string) => string {
  assert(secret.length <= blockBytes, 'a longer key would have to be hashed first')
  const inner = Buffer.alloc(blockBytes + textBytesMax)
  inner.fill(0x36, 0, blockBytes)
  const outer = Buffer.alloc(blockBytes + hashBytes)
  outer.fill(0x5c, 0, blockBytes)
  for (const [i, byte] of secret.entries()) {
    inner[i]! ^= byte
    outer[i]! ^= byte
  }
  return text => {
    assert(text.length * 3 <= textBytesMax, 'what is signed here is short')
    const end = blockBytes + inner.write(text, blockBytes, 'utf8')
    outer.write(hash('sha256', inner.subarray(0, end), 'binary'), blockBytes, 'latin1')
    return hash('sha256', outer, 'base64url')
  }
}
