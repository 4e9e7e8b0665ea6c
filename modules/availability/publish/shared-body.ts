import { hash } from 'node:crypto'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

export type Encoding = 'br' | 'gzip' | 'identity'

/** Below this a compressed body saves nothing that a packet would notice. */
const worthCompressing = 1024

/**
 * A body that is the same for everybody: made once, compressed once for each encoding that somebody accepts, at the quickest
 * level. Of a half-sold arena that is 200 µs, at most once a second; better levels save a tenth and cost twice.
 */
export class SharedBody {
  readonly version: string
  /** Of the content, so that all processes agree on it. Weak: encodings share it, and so do bodies that differ in `as_of`. */
  readonly etag: string
  readonly plain: Buffer
  #br: Buffer | null = null
  #gzip: Buffer | null = null

  constructor(version: string, plain: Buffer, content: string | Buffer = plain) {
    this.version = version
    this.etag = `W/"${hash('sha256', content, 'base64url').slice(0, 22)}"`
    this.plain = plain
  }

  /** The encoding that is used if that one is accepted: small bodies stay as they are. */
  encodingFor(accepted: Encoding): Encoding {
    return this.plain.length < worthCompressing ? 'identity' : accepted
  }

  encoded(encoding: Encoding): Buffer {
    if (encoding === 'identity') return this.plain
    if (encoding === 'gzip') {
      this.#gzip ??= gzipSync(this.plain, { level: 1 })
      return this.#gzip
    }
    this.#br ??= brotliCompressSync(this.plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })
    return this.#br
  }
}

const known = new Map<string, Encoding>()
const knownMax = 200

/** The best encoding that an `Accept-Encoding` allows. Browsers send a handful of different ones. */
export function acceptedEncoding(header: string | string[] | undefined): Encoding {
  if (typeof header !== 'string') return 'identity'
  const before = known.get(header)
  if (before !== undefined) return before
  const found = parseAccepted(header)
  if (known.size < knownMax && header.length < 200) known.set(header, found)
  return found
}

function parseAccepted(header: string): Encoding {
  const accepted = new Set<string>()
  for (const part of header.toLowerCase().split(',')) {
    const [name, ...parameters] = part.split(';').map(text => text.trim())
    const isRefused = parameters.some(parameter => /^q=0(\.0*)?$/.test(parameter))
    if (name && !isRefused) accepted.add(name)
  }
  if (accepted.has('br')) return 'br'
  return accepted.has('gzip') || accepted.has('*') ? 'gzip' : 'identity'
}
