/** Letters that no accent can be taken from. */
const spelled: Record<string, string> = {
  Ł: 'L',
  ł: 'l',
  Đ: 'D',
  đ: 'd',
  ı: 'i',
  Ħ: 'H',
  ħ: 'h',
  Ŋ: 'N',
  ŋ: 'n',
  Ŧ: 'T',
  ŧ: 't',
  ẞ: 'SS',
}
/** Of WinAnsi, what lies outside of Latin-1. */
const alsoThere = new Set('€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ')

/**
 * The text with what the fonts of every PDF reader can show: other letters lose their accents, and what has no Latin letter becomes a
 * question mark. The picture and the code have the name as it is.
 */
export function printable(text: string): string {
  return [...text.normalize('NFC')].map(show).join('')
}

function show(character: string): string {
  const code = character.codePointAt(0)!
  if ((code >= 0x20 && code <= 0x7e) || (code >= 0xa0 && code <= 0xff) || alsoThere.has(character)) return character
  const plain = spelled[character] ?? character.normalize('NFD').replaceAll(/\p{M}/gu, '')
  return /^[\x20-\x7e]+$/.test(plain) ? plain : '?'
}
