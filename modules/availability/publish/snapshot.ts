/**
 * Two bits a seat: seat n in bits 2(n mod 4) and the one above, from the least significant, of byte n >> 2. The length is
 * ceil(n / 4); what is left of the last byte is 0.
 */
export function encodeSnapshot(shown: Uint8Array): Buffer {
  const bytes = Buffer.alloc((shown.length + 3) >> 2)
  for (let at = 0, n = 0; at < bytes.length; at++, n += 4) {
    // Past the end there is undefined, which shifts to 0.
    bytes[at] = shown[n]! | (shown[n + 1]! << 2) | (shown[n + 2]! << 4) | (shown[n + 3]! << 6)
  }
  return bytes
}
