/**
 * Text that somebody typed, fit for a header and a line: no line breaks, no control or invisible direction characters, which
 * could end a header or turn the rest of a sentence around.
 */
export function oneLine(text: string, lengthMax = 200): string {
  const clean = text
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll(/[\u202a-\u202e\u2066-\u2069\u200e\u200f]/g, '')
  const characters = Array.from(clean.trim())
  return characters.length <= lengthMax ? characters.join('') : `${characters.slice(0, lengthMax - 1).join('')}…`
}
