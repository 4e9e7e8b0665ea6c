import { createHash, createHmac } from 'node:crypto'

type Keyed = { userId: string; method: string; path: string; key: string; body: unknown }

/** 1 to 255 printable ASCII characters. */
export function isKey(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/.test(value)
}

/**
 * What a key is scoped to and what it stands for, 32 bytes each. The body's is keyed with the key, which is kept nowhere: a
 * plain digest would let whoever copies the table try passwords against it.
 */
export function fingerprint({ userId, method, path, key, body }: Keyed): { keyHash: Buffer; requestHash: Buffer } {
  return {
    keyHash: createHash('sha256').update([userId, method, path, key].join('\0')).digest(),
    requestHash: createHmac('sha256', key).update(canonical(body)).digest(),
  }
}

/** JSON with the members of every object in order of their names; arrays as sent. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null)
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`)
  return `{${members.join(',')}}`
}
