/** A request as the bytes that go over the wire. */
export function requestBytes(options: {
  method: string
  path: string
  headers?: Record<string, string>
  body?: object
}): Buffer {
  const body = options.body === undefined ? '' : JSON.stringify(options.body)
  const headers = {
    host: 'holdfast.localhost',
    ...(body === '' ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
    ...options.headers,
  }
  const head = Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
  return Buffer.from(`${options.method} ${options.path} HTTP/1.1\r\n${head}\r\n${body}`)
}

export type SeatPair = [string, string]

/**
 * Pairs of neighbours that can be held in any order without ever leaving a lone seat: from the start of each run of joined
 * seats, and in a run of odd length its last three stay free.
 */
export function harmlessPairs(rows: readonly (readonly string[])[]): SeatPair[] {
  return rows.flatMap(run => {
    const usable = run.length % 2 === 0 ? run.length : run.length - 3
    const pairs: SeatPair[] = []
    for (let i = 0; i + 1 < usable; i += 2) pairs.push([run[i]!, run[i + 1]!])
    return pairs
  })
}

export function shuffle<T>(items: T[], random: () => number): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[items[i], items[j]] = [items[j]!, items[i]!]
  }
  return items
}
