import { entryOf } from './entry.ts'

/**
 * What can be said about a seat. These have fixed bits, so that rules and filters may rely on them; a plan may bring six more
 * of its own, which take the bits that are left.
 */
export const knownAttributes = [
  'wheelchair',
  'companion',
  'restricted-view',
  'aisle',
  'step-free',
  'assistive-listening',
  'sign-language',
  'captions',
  'plus-size',
  'lift-up-armrest',
] as const

export const attributesMax = 16

/** A name that may stand in a plan: `extra-legroom`. */
export function isAttributeName(name: unknown): name is string {
  return typeof name === 'string' && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) && name.length <= 32
}

/** The names behind a bit mask. Equal masks of one map give the same array: there are few, and many seats. */
export function attributesOf(mask: number, names: readonly string[]): readonly string[] {
  if (mask === 0) return none
  let byMask = memo.get(names)
  if (!byMask) {
    byMask = new Map()
    memo.set(names, byMask)
  }
  return entryOf(byMask, mask, () => Object.freeze(names.filter((_, bit) => mask & (1 << bit))))
}

const none: readonly string[] = Object.freeze([])
const memo = new WeakMap<readonly string[], Map<number, readonly string[]>>()
