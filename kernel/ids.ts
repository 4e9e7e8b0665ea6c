import { assert } from './assert.ts'
import type { Clock } from './clock.ts'
import type { Random } from './random.ts'

/**
 * Ids are UUIDv7 (RFC 9562) in the database and `prefix_` + 26 lower-case Crockford base32 characters on the wire, so both
 * sort by time. Ids of things that belong to an event carry its `event_no` in bytes 10–13 of their random part: any such
 * id finds its shard without a look-up. 42 random bits a millisecond remain; the primary key is the last wall.
 */
export type Id<Prefix extends string> = `${Prefix}_${string}`
export type EventId = Id<'evt'>
export type VenueId = Id<'ven'>
export type SeatMapId = Id<'map'>
export type ReservationId = Id<'rsv'>
export type PaymentId = Id<'pay'>
export type TicketId = Id<'tkt'>
export type UserId = Id<'usr'>

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const digitOf = new Int8Array(128).fill(-1)
for (let i = 0; i < alphabet.length; i++) digitOf[alphabet.charCodeAt(i)] = i

/** A new id. Pass `eventNo` for everything that lives in an event's shard. */
export function newId<P extends string>(prefix: P, source: { clock: Clock; random: Random }, eventNo?: number): Id<P> {
  const bytes = source.random.bytes(16)
  bytes.writeUIntBE(source.clock.now(), 0, 6)
  bytes[6] = (bytes[6]! & 0x0f) | 0x70
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  if (eventNo !== undefined) bytes.writeUInt32BE(eventNo, 10)
  return `${prefix}_${encode(bytes)}`
}

/** The id if `text` is a well-formed id of this kind, otherwise null. Anything else on the wire is a 404, not a 400. */
export function parseId<P extends string>(prefix: P, text: string): Id<P> | null {
  const start = prefix.length + 1
  if (text.length !== start + 26 || !text.startsWith(prefix) || text.charCodeAt(prefix.length) !== 95) return null
  for (let i = start; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 127 || digitOf[code] === -1) return null
  }
  // 26 characters hold 130 bits: the first must stay below 8.
  return digitOf[text.charCodeAt(start)]! < 8 ? (text as Id<P>) : null
}

/** The id as PostgreSQL's uuid text. */
export function toUuid(id: Id<string>): string {
  const hex = decode(id).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

export function fromUuid<P extends string>(prefix: P, uuid: string): Id<P> {
  return `${prefix}_${encode(Buffer.from(uuid.replaceAll('-', ''), 'hex'))}`
}

/** The `event_no` carried by a reservation, payment or ticket id. */
export function eventNoOf(id: ReservationId | PaymentId | TicketId): number {
  return decode(id).readUInt32BE(10)
}

/** Writes the 16 bytes of an id. */
export function writeId(id: Id<string>, buffer: Buffer, offset: number): void {
  decodeInto(id, buffer, offset)
}

function encode(bytes: Uint8Array): string {
  assert(bytes.length === 16, 'an id has 16 bytes')
  let text = ''
  let held = 0
  let bits = 2 // two leading zero bits make 130 = 26 x 5
  for (let i = 0; i < 16; i++) {
    held = (held << 8) | bytes[i]!
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(held >> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return text
}

function decode(id: string): Buffer {
  return decodeInto(id, Buffer.allocUnsafe(16), 0)
}

function decodeInto(id: string, bytes: Buffer, offset: number): Buffer {
  let held = 0
  let bits = -2
  let at = offset
  for (let i = id.length - 26; i < id.length; i++) {
    held = (held << 5) | digitOf[id.charCodeAt(i)]!
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = (held >> bits) & 255
      held &= (1 << bits) - 1
    }
  }
  return bytes
}
