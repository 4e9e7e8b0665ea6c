import { type Agent, type IncomingHttpHeaders, request } from 'node:http'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'

export type Sent = {
  method: string
  /** As it goes out, with its query. */
  path: string
  /** In order; a name may come twice. */
  headers: readonly (readonly [name: string, value: string])[]
  body: string | Buffer | null
}

export type Answer = {
  /** 0: the connection ended without one. */
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  ms: number
  /** Why there is no answer, or not all of it. */
  error?: string
}

/** Of a stream, the beginning is looked at. */
const streamMs = 150
const timeoutMs = 20_000
const seenEnough = 'seen enough'

/** Sends what it is given, right or wrong, and never throws. */
export function send(origin: string, { method, path, headers, body }: Sent, agent: Agent): Promise<Answer> {
  const startedAt = performance.now()
  const { hostname, port } = new URL(origin)
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    let got: { status: number; headers: IncomingHttpHeaders } | null = null
    const end = (error?: string) => {
      const ms = performance.now() - startedAt
      const answer = got ?? { status: 0, headers: {} }
      const whole = Buffer.concat(chunks)
      if (error === seenEnough) return resolve({ ...answer, body: whole, ms })
      if (error !== undefined) return resolve({ ...answer, body: whole, ms, error })
      try {
        resolve({ ...answer, body: decoded(whole, answer.headers['content-encoding']), ms })
      } catch (undecodable) {
        resolve({ ...answer, body: whole, ms, error: (undecodable as Error).message })
      }
    }
    // Without a length Node would announce chunks, and to announce is to send a body.
    const length = [['content-length', String(Buffer.byteLength(body ?? ''))]]
    const raw = [['host', `${hostname}:${port}`] as const, ...headers, ...length].flat()
    const outgoing = request({ hostname, port, method, path, agent, headers: raw, setHost: false, timeout: timeoutMs })
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')))
    outgoing.on('error', error => end(error.message))
    outgoing.on('response', incoming => {
      got = { status: incoming.statusCode!, headers: incoming.headers }
      incoming.on('data', chunk => chunks.push(chunk))
      incoming.on('error', error => end(error.message))
      incoming.on('end', () => end())
      if (!/^text\/event-stream/.test(incoming.headers['content-type'] ?? '')) return
      setTimeout(() => incoming.destroy(new Error(seenEnough)), streamMs)
    })
    outgoing.end(body ?? undefined)
  })
}

function decoded(body: Buffer, encoding: string | undefined): Buffer {
  switch (encoding) {
    case 'gzip':
      return gunzipSync(body)
    case 'br':
      return brotliDecompressSync(body)
    case 'zstd':
      return zstdDecompressSync(body)
    default:
      return body
  }
}

/** As somebody would type it. */
export function curlOf(origin: string, { method, path, headers, body }: Sent): string {
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`
  const shown = headers.map(([name, value]) => `-H ${quoted(`${name}: ${clipped(value, 400)}`)}`)
  const data = body === null ? [] : [`--data-binary ${quoted(clipped(body.toString(), 1500))}`]
  return ['curl', '-g', '--path-as-is', '-X', method, ...shown, ...data, quoted(`${origin}${clipped(path, 600)}`)].join(
    ' ',
  )
}

function clipped(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)}… (${text.length} characters)`
}
