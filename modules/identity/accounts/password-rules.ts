const distinctCharactersMin = 5
const runs = [
  '0123456789',
  '9876543210',
  'abcdefghijklmnopqrstuvwxyz',
  'qwertyuiopasdfghjklzxcvbnm',
  'password',
  'holdfast',
]

/**
 * Why a password of the right length would still be guessed first, or null. Lists of leaked passwords hold few of fifteen
 * characters; what remains are repetitions, walks over the keyboard, and the account's own address or name.
 */
export function passwordWeakness(password: string, about: { email: string; name: string }): string | null {
  const text = password.normalize('NFKC').toLowerCase()
  if (new Set(text).size < distinctCharactersMin) return 'repeats too few characters; a sentence is a good password'
  let rest = text
  for (const known of [...wordsOf(about), ...runs.flatMap(cuts)]) rest = rest.replaceAll(known, '')
  return [...rest].length < distinctCharactersMin
    ? 'is made of what would be guessed first (your address or name, a row of keys); a sentence is a good password'
    : null
}

/** The address, its part before the @, the name, and the words of all of them, the longest first. */
function wordsOf({ email, name }: { email: string; name: string }): string[] {
  const whole = [email, email.split('@')[0]!, name.toLowerCase()]
  const words = whole.flatMap(text => text.split(/[^\p{L}\p{N}]+/u))
  return [...whole, ...words].filter(word => word.length >= 3).sort((a, b) => b.length - a.length)
}

/** A walk over the keyboard may begin and end anywhere: the whole of it, then pieces of four. */
function cuts(run: string): string[] {
  return [run, ...Array.from({ length: run.length - 3 }, (_, i) => run.slice(i, i + 4))]
}
