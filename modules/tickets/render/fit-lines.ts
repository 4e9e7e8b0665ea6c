/** Of the body of a sans-serif letter, what it takes in width, bold and on average; a sign of East Asia takes a whole square. */
const emOfLetter = 0.6
const emOfSquare = 1.05
const square =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff00-\uff60\p{Emoji_Presentation}]/u

/**
 * A text in lines for a picture, which cannot measure letters: in the first of the sizes at which it fits, and where it fits at none in
 * the last, with an ellipsis. `width` and `sizes` in the units of the picture.
 */
export function fitLines(
  text: string,
  { width, sizes, linesMax }: { width: number; sizes: readonly number[]; linesMax: number },
): { size: number; lines: string[] } {
  let size = sizes[0]!
  let lines: string[] = []
  for (size of sizes) {
    lines = wrap(text, width / size)
    if (lines.length <= linesMax) return { size, lines }
  }
  const kept = lines.slice(0, linesMax)
  kept[linesMax - 1] = `${[...kept[linesMax - 1]!].slice(0, -1).join('')}…`
  return { size, lines: kept }
}

/** Breaks between words, and inside of one that is longer than a line. */
function wrap(text: string, widthEm: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/).flatMap(word => pieces(word, widthEm))) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && emOf(longer) > widthEm) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line]
}

function pieces(word: string, widthEm: number): string[] {
  const made = ['']
  for (const letter of word) {
    const longer = made.at(-1)! + letter
    if (emOf(longer) > widthEm && made.at(-1) !== '') made.push(letter)
    else made[made.length - 1] = longer
  }
  return made
}

function emOf(text: string): number {
  return [...text].reduce((sum, letter) => sum + (square.test(letter) ? emOfSquare : emOfLetter), 0)
}
