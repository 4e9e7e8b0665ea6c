import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { constants, createBrotliCompress, createGzip } from 'node:zlib'
import type { EventDefinition } from '../events/event-definition.ts'
import { writeGeometry } from './write-geometry.ts'

export const geometryEncodings = ['br', 'gzip'] as const
export type GeometryEncoding = (typeof geometryEncodings)[number]

/**
 * Geometry as it is sent, compressed once per geometry, price levels and encoding, whoever asks and for whichever event. Only
 * the most recently used stay, up to a number of bytes; a CDN or a browser keeps them for good.
 */
export class GeometryBodies {
  readonly #bytesMax: number
  /** In order of last use. */
  readonly #bodies = new Map<string, Entry>()
  readonly #tags = new WeakMap<EventDefinition, string>()

  constructor({ bytesMax = 32 * 1024 * 1024 } = {}) {
    this.#bytesMax = bytesMax
  }

  /** Names what the body says: equal for events of one geometry and the same levels. */
  tagOf(event: EventDefinition): string {
    let tag = this.#tags.get(event)
    if (tag === undefined) {
      const hash = createHash('sha256').update(event.geometryHash).update(event.seatLevel)
      for (const { level } of event.areas) hash.update(`a${level}`)
      for (const { no, key } of event.priceLevels) hash.update(`\0${no}\0${key}`)
      tag = hash.digest('base64url').slice(0, 27)
      this.#tags.set(event, tag)
    }
    return tag
  }

  get(event: EventDefinition, encoding: GeometryEncoding): Promise<Buffer> {
    const key = `${this.tagOf(event)} ${encoding}`
    const entry = this.#bodies.get(key) ?? this.#make(key, event, encoding)
    this.#bodies.delete(key)
    this.#bodies.set(key, entry)
    return entry.body
  }

  #make(key: string, event: EventDefinition, encoding: GeometryEncoding): Entry {
    const entry: Entry = { body: compress(event, encoding), bytes: 0 }
    entry.body.then(
      body => {
        entry.bytes = body.length
        this.#dropOldest()
      },
      () => this.#bodies.delete(key), // the caller hears of it; the next one tries again
    )
    return entry
  }

  #dropOldest(): void {
    let bytes = this.#bodies.values().reduce((total, entry) => total + entry.bytes, 0)
    for (const [key, entry] of this.#bodies) {
      if (bytes <= this.#bytesMax || this.#bodies.size === 1) return
      this.#bodies.delete(key)
      bytes -= entry.bytes
    }
  }
}

/** `bytes` is 0 until the body is there. */
type Entry = { body: Promise<Buffer>; bytes: number }

/** Compression runs in the thread pool, and between two sections others have their turn. */
function compress(event: EventDefinition, encoding: GeometryEncoding): Promise<Buffer> {
  const compressor =
    encoding === 'br'
      ? createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 6 } })
      : createGzip({ level: 7 })
  const source = Readable.from(writeGeometry(event), { objectMode: true, highWaterMark: 2 })
  return buffer(source.pipe(compressor))
}
