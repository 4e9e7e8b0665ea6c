/** Where a page ended. Opaque to clients; what they make up is refused, not believed. */
export type Cursor = { startsAt: number; eventNo: number } | { offset: number; approximate: boolean }

export function writeCursor(cursor: Cursor): string {
  const values =
    'offset' in cursor ? ['o', cursor.offset, cursor.approximate ? 1 : 0] : ['k', cursor.startsAt, cursor.eventNo]
  return Buffer.from(values.join(' ')).toString('base64url')
}

/** Null when it is none of ours. */
export function readCursor(text: string): Cursor | null {
  const [, kind, first, second] =
    /^([ok]) (\d{1,15}) (\d{1,10})$/.exec(Buffer.from(text, 'base64url').toString('latin1')) ?? []
  if (kind === 'k') return Number(second) < 2 ** 31 ? { startsAt: Number(first), eventNo: Number(second) } : null
  if (kind === 'o') return Number(first) <= offsetMax ? { offset: Number(first), approximate: second === '1' } : null
  return null
}

const offsetMax = 10_000
