import { seededRandom } from './seeded-random.ts'

/** What a fan comes for, and what becomes of them. */
export type Wish = 'pick' | 'best' | 'standing'
export type Habit = 'pays' | 'second-card' | 'no-card' | 'leaves-cart' | 'leaves-payment' | 'gives-back'

export type Plan = {
  /** Milliseconds after the doors open, whatever the others do. */
  arrivesAt: number
  wish: Wish
  habit: Habit
  quantity: number
  /** Decides what this fan picks. */
  seed: number
}

const wishes: [Wish, number][] = [
  ['pick', 0.5],
  ['best', 0.35],
  ['standing', 0.15],
]
const habits: [Habit, number][] = [
  ['pays', 0.64],
  ['second-card', 0.12],
  ['no-card', 0.05],
  ['leaves-cart', 0.09],
  ['leaves-payment', 0.05],
  ['gives-back', 0.05],
]
const quantities: [number, number][] = [
  [1, 0.15],
  [2, 0.55],
  [3, 0.12],
  [4, 0.18],
]

/** The crowd of an on-sale: Poisson arrivals at a rate, each with a mind of its own. The same seed brings the same crowd. */
export function planCrowd({ fans, rate, seed }: { fans: number; rate: number; seed: number }): Plan[] {
  const random = seededRandom(seed)
  const pick = <T>(choices: readonly (readonly [T, number])[]): T => {
    let left = random()
    for (const [choice, share] of choices) {
      left -= share
      if (left < 0) return choice
    }
    return choices.at(-1)![0]
  }
  let at = 0
  return Array.from({ length: fans }, () => {
    at += (-Math.log(1 - random()) / rate) * 1000
    return {
      arrivesAt: at,
      wish: pick(wishes),
      habit: pick(habits),
      quantity: pick(quantities),
      seed: Math.floor(random() * 2 ** 31),
    }
  })
}
