import { createHmac, createSecretKey } from 'node:crypto'
import type { TokenKey } from '../tokens/access-token.ts'

export function testKey(kid: string, fill = 7): TokenKey {
  return { kid, secret: createSecretKey(Buffer.alloc(32, fill)) }
}

export function segment(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

function macOf(key: TokenKey, signed: string, hash = 'sha256'): string {
  return createHmac(hash, key.secret).update(signed).digest('base64url')
}

/** Header and claims under a signature that is right, so that a refusal can only come from what they say. */
export function forge(key: TokenKey, header: unknown, claims: unknown, hash?: string): string {
  const signed = `${segment(header)}.${segment(claims)}`
  return `${signed}.${macOf(key, signed, hash)}`
}
