/** Base45 of RFC 9285: two bytes become three characters of the alphabet that QR codes store best. */
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:'
const digitOf = new Map([...alphabet].map((character, digit) => [character, digit]))

export function toBase45(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i + 1 < bytes.length; i += 2) {
    const value = bytes[i]! * 256 + bytes[i + 1]!
    text += alphabet[value % 45]! + alphabet[Math.floor(value / 45) % 45]! + alphabet[Math.floor(value / 2025)]!
  }
  if (bytes.length % 2 === 1) {
    const value = bytes.at(-1)!
    text += alphabet[value % 45]! + alphabet[Math.floor(value / 45)]!
  }
  return text
}

/** Null for a text that no bytes are written as. */
export function fromBase45(text: string): Buffer | null {
  if (text.length % 3 === 1) return null
  const digits = [...text].map(character => digitOf.get(character) ?? -1)
  if (digits.includes(-1)) return null
  const bytes: number[] = []
  for (let i = 0; i < digits.length; i += 3) {
    const isPair = i + 2 < digits.length
    const value = digits[i]! + digits[i + 1]! * 45 + (isPair ? digits[i + 2]! * 2025 : 0)
    if (value > (isPair ? 0xffff : 0xff)) return null
    if (isPair) bytes.push(value >> 8)
    bytes.push(value & 0xff)
  }
  return Buffer.from(bytes)
}
