import { seededRandom } from '../../fans/seeded-random.ts'

/** Draws of one request: from the seed and its number, so that what others draw changes nothing. */
export type Chance = ReturnType<typeof chanceOf>

export function chanceOf(seed: number, index: number) {
  const draw = seededRandom((Math.imul(seed, 1_000_003) + Math.imul(index, 7919)) >>> 0)
  // Neighbours begin alike.
  for (let i = 0; i < 3; i++) draw()
  const below = (n: number) => Math.floor(draw() * n)
  return {
    below,
    between: (min: number, max: number) => min + below(max - min + 1),
    is: (share: number) => draw() < share,
    one<T>(list: readonly T[]): T {
      return list[below(list.length)]!
    },
    word(length: number): string {
      return Array.from({ length }, () => 'abcdefghijkmnpqrstuvwxyz23456789'[below(32)]).join('')
    },
  }
}
