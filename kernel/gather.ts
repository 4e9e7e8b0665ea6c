import { isPassing } from './faults.ts'

export type GatherOptions = {
  /** In one go. */
  most: number
}

/**
 * Does one thing at a time, for all who ask meanwhile together: whoever comes while one is under way goes into the next. Whoever comes alone
 * does not wait. If something in it is bad, each is done alone, and the bad one alone fails.
 *
 * @param work answers for each item, in their order; must bear being asked for the same item again
 */
export function gather<Item, Answer>(
  work: (items: readonly Item[]) => Promise<readonly Answer[]>,
  { most }: GatherOptions,
): (item: Item) => Promise<Answer> {
  type Entry = { item: Item; resolve: (answer: Answer) => void; reject: (error: unknown) => void }
  let waiting: Entry[] = []
  let isUnderWay = false

  async function run(): Promise<void> {
    isUnderWay = true
    while (waiting.length > 0) {
      const entries = waiting.slice(0, most)
      waiting = waiting.slice(most)
      await answer(entries)
    }
    isUnderWay = false
  }

  async function answer(entries: readonly Entry[]): Promise<void> {
    try {
      const answers = await work(entries.map(({ item }) => item))
      for (const [i, { resolve }] of entries.entries()) resolve(answers[i]!)
    } catch (error) {
      if (entries.length > 1 && !isPassing(error)) for (const entry of entries) await answer([entry])
      else for (const { reject } of entries) reject(error)
    }
  }

  return item =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (!isUnderWay) void run()
    })
}
