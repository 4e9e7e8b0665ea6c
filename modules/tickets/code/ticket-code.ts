import { type KeyObject, sign, verify } from 'node:crypto'
import { assert } from '#kernel/assert.ts'
import { fromUuid, type TicketId, writeId } from '#kernel/ids.ts'
import { fromBase45, toBase45 } from './base45.ts'

/**
 * What a ticket says at the door, 28 bytes big-endian, and an Ed25519 signature over them:
 *
 *   version(1) key(1) event_no(4) place(4) ticket_id(16) generation(2) signature(64)
 *
 * `place` is the seat_no; with its top bit set, the number of an area. Whoever has the public keys knows a ticket without a network; what
 * it cannot know so is whether it was used or voided since.
 */
export type TicketCode = {
  keyNumber: number
  eventNo: number
  place: { seatNo: number } | { areaNo: number }
  ticketId: TicketId
  generation: number
}

const version = 1
const saidBytes = 28
const signatureBytes = 64
const areaBit = 0x80000000
const generationMax = 0xffff

/** Numbers that do not fit are refused: cut off, they would be the code of another ticket, with a signature that is good. */
export function saidBy({ keyNumber, eventNo, place, ticketId, generation }: TicketCode): Buffer {
  const placeNo = 'seatNo' in place ? place.seatNo : place.areaNo
  assert(placeNo < areaBit, 'the number of a place leaves the top bit free')
  assert(generation <= generationMax, 'a generation fits two bytes')
  const bytes = Buffer.alloc(saidBytes)
  bytes.writeUInt8(version, 0)
  bytes.writeUInt8(keyNumber, 1)
  bytes.writeUInt32BE(eventNo, 2)
  bytes.writeUInt32BE('seatNo' in place ? placeNo : areaBit + placeNo, 6)
  writeId(ticketId, bytes, 10)
  bytes.writeUInt16BE(generation, 26)
  return bytes
}

export function signTicket(code: TicketCode, privateKey: KeyObject): Buffer {
  return sign(null, saidBy(code), privateKey)
}

/** The text of the QR code: 138 characters. */
export function payloadOf(code: TicketCode, signature: Uint8Array): string {
  return toBase45(Buffer.concat([saidBy(code), signature]))
}

export type Verdict =
  | { ok: true; code: TicketCode }
  | { ok: false; reason: 'unreadable' | 'other-version' | 'unknown-key' | 'forged'; code: TicketCode | null }

/** Checks a payload against the public keys, by their numbers. Never throws, whatever was scanned. */
export function verifyTicket(payload: string, keys: ReadonlyMap<number, KeyObject>): Verdict {
  const bytes = fromBase45(payload)
  if (bytes === null || bytes.length !== saidBytes + signatureBytes)
    return { ok: false, reason: 'unreadable', code: null }
  if (bytes[0] !== version) return { ok: false, reason: 'other-version', code: null }
  const place = bytes.readUInt32BE(6)
  const code: TicketCode = {
    keyNumber: bytes[1]!,
    eventNo: bytes.readUInt32BE(2),
    place: place >= areaBit ? { areaNo: place - areaBit } : { seatNo: place },
    ticketId: fromUuid('tkt', bytes.toString('hex', 10, 26)),
    generation: bytes.readUInt16BE(26),
  }
  const key = keys.get(code.keyNumber)
  if (key === undefined) return { ok: false, reason: 'unknown-key', code }
  return verify(null, bytes.subarray(0, saidBytes), key, bytes.subarray(saidBytes))
    ? { ok: true, code }
    : { ok: false, reason: 'forged', code }
}
