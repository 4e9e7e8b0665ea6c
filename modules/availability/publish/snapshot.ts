/**
 * Two bits a seat: seat n in bits 2(n mod 4) and the one above, from the least significant, of byte n >> 2. The length is
 * ceil(n / 4); what is left of the last byte is 0.
 */
export function encodeSnapshot(shown: Uint8Array): Buffer {
  const bytes = Buffer.alloc((shown.length + 3) >> 2)
  for (let seatNo = 0; seatNo < shown.length; seatNo++) {
    const state = shown[seatNo]!
    if (state !== 0) bytes[seatNo >> 2]! |= state << (2 * (seatNo & 3))
  }
  return bytes
}
