/** A broken promise of our own code. Never caught to carry on: whoever catches it reports it and fails the work at hand. */
export class Bug extends Error {
  override name = 'Bug'
}

/** States what must be true here. Stays on in production; the sentence says what is promised, not what was found. */
export function assert(condition: unknown, sentence: string): asserts condition {
  if (!condition) throw new Bug(sentence)
}
