import { hash } from 'node:crypto'

/** 16 bytes of SHA-256 in hex: enough that no two keys of one user meet, and half the index. */
export function shortHash(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32)
}

/** The validated body in one spelling: members sorted, arrays as sent. Two bodies that mean the same hash alike. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value))
    return value.some(isObject) ? `[${value.map(canonicalJson).join(',')}]` : JSON.stringify(value)
  if (!isObject(value)) return JSON.stringify(value) ?? 'null'
  let members = ''
  for (const name of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[name]
    if (member !== undefined) members += `${members === '' ? '' : ','}${JSON.stringify(name)}:${canonicalJson(member)}`
  }
  return `{${members}}`
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
