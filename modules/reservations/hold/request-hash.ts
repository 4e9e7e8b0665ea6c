import { hash } from 'node:crypto'

/** 16 bytes of SHA-256 in hex: enough that no two keys of one user meet, and half the index. */
export function shortHash(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32)
}

/** The validated body in one spelling: members sorted, arrays as sent. Two bodies that mean the same hash alike. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`
}
