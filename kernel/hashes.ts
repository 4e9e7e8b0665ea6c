/** FNV-1a over the UTF-16 units of a text: 32 bits, unsigned. Not against an adversary. */
export function textHash(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** Another 32 bits, unsigned, in which every bit hangs on many: for tables whose places are the lowest bits of a hash. */
export function spread(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0
}
