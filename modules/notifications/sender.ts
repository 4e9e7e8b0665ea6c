import { assert } from '#kernel/assert.ts'
import type { Correspondent } from './ports.ts'

/** `Holdfast <tickets@example.org>` or the bare address. Who sends is a setting, so a mistake in it ends the start. */
export function senderOf(text: string): Correspondent & { domain: string } {
  const named = /^"?(?<name>[^"<>\p{Cc}]*?)"?\s*<(?<inner>[^<>]*)>$/u.exec(text.trim())?.groups
  const address = named?.inner ?? text.trim()
  const domain = /^[^\s@<>,;:"()\p{Cc}]+@([a-z0-9.-]+)$/iu.exec(address)?.[1]
  assert(domain !== undefined, 'HOLDFAST_MAIL_FROM reads "Name <address@example.org>" or "address@example.org"')
  return { name: named?.name?.trim() || address, address, domain }
}
