/** Per generation; two of them, at about 450 bytes an entry, stay below 10 MB. */
const generationMax = 10_000

/**
 * Remembers what was verified, because a buyer's token comes with every request: a look-up costs a fraction of an HMAC.
 * Two generations instead of a list in order of use: when the young one is full it becomes the old one, and what is asked
 * for again moves back. Only tokens that passed are added, so nobody can fill it with rubbish.
 */
export function createVerifiedTokens<Claims extends object>(max = generationMax) {
  let young = new Map<string, Claims>()
  let old = new Map<string, Claims>()

  function add(token: string, claims: Claims): void {
    if (young.size >= max) {
      old = young
      young = new Map()
    }
    young.set(token, claims)
  }

  return {
    add,
    get(token: string): Claims | undefined {
      const found = young.get(token)
      if (found !== undefined) return found
      const older = old.get(token)
      if (older !== undefined) add(token, older)
      return older
    },
  }
}
