import { setTimeout as sleep } from 'node:timers/promises'
import { shuffle } from '../../fans/seat-pairs.ts'
import { seededRandom } from '../../fans/seeded-random.ts'
import type { Fault, Harm } from './faults.ts'

/** One fault that was: `recoveryMs` from its end until everything it hurt served again. */
export type Recovery = { kind: string; whom: string; recoveryMs: number }

/** Who settles payments and is at no door. */
export const worker = 'the worker'

export type Schedule = {
  recoveries: Recovery[]
  /** Who is hurt right now. */
  hurt(): string[]
  done: Promise<void>
}

/** So often a second fault begins while the first goes on. */
const overlapShare = 0.25
const pauseMs = 1500

/**
 * Goes through all kinds again and again, each time in another order. One lane hurts the house, one paying. What overlaps counts
 * as one: the clocks of a recovery start when the last of them is over, and paying cannot be back before the house is. What the worker does
 * shows in a ticket that comes, for which the bank has to be whole, and is let be so long.
 */
export function hurt(
  faults: Record<string, Fault>,
  options: {
    seed: number
    until: () => boolean
    /** Resolves once holds are made and events read at every door. */
    houseServes(): Promise<void>
    /** Resolves once a checkout gets its intent. */
    moneyServes(): Promise<void>
    /** Resolves once somebody who pays has a ticket. */
    workerServes(): Promise<void>
  },
): Schedule {
  const { seed, until } = options
  const recoveries: Recovery[] = []
  const underWay = new Set<string>()
  const chance = seededRandom(seed)
  let houseIsWhole = Promise.resolve()
  let houseWholeAt = 0
  let bankIsWhole = Promise.resolve()
  let bankWholeAt = 0
  let workerIsSeen = Promise.resolve()

  async function houseLane(): Promise<void> {
    const draw = deckOf('house')
    while (!until()) {
      const whole = Promise.withResolvers<void>()
      houseIsWhole = whole.promise
      const kinds = [draw(), ...(chance() < overlapShare ? [draw()] : [])]
      const harms = await Promise.all(
        kinds.map(async (kind, i) => {
          await sleep(i * chance() * 1500)
          return play(kind)
        }),
      )
      const endedAt = performance.now()
      await options.houseServes()
      houseWholeAt = performance.now()
      whole.resolve()
      for (const { kind, whom } of harms)
        if (whom !== worker) recoveries.push({ kind, whom, recoveryMs: houseWholeAt - endedAt })
      const ofWorker = harms.filter(({ whom }) => whom === worker)
      if (ofWorker.length > 0) {
        const recoveryMs = await seeWorker(endedAt)
        for (const { kind, whom } of ofWorker) recoveries.push({ kind, whom, recoveryMs })
      }
      await sleep(pauseMs * chance())
    }
  }

  /** Milliseconds until a ticket came. The bank is not hurt meanwhile. */
  async function seeWorker(endedAt: number): Promise<number> {
    const seen = Promise.withResolvers<void>()
    workerIsSeen = seen.promise
    try {
      await bankIsWhole
      const since = Math.max(endedAt, bankWholeAt)
      await options.workerServes()
      return performance.now() - since
    } finally {
      seen.resolve()
    }
  }

  async function moneyLane(): Promise<void> {
    const draw = deckOf('money')
    while (!until()) {
      await workerIsSeen
      const whole = Promise.withResolvers<void>()
      bankIsWhole = whole.promise
      const { kind, whom } = await play(draw())
      const endedAt = performance.now()
      for (;;) {
        await houseIsWhole
        const since = Math.max(endedAt, houseWholeAt)
        await options.moneyServes()
        // The house was hurt again meanwhile: this says nothing of the bank.
        if (houseWholeAt > since) continue
        bankWholeAt = performance.now()
        recoveries.push({ kind, whom, recoveryMs: bankWholeAt - since })
        whole.resolve()
        break
      }
      await sleep(3000 * chance())
    }
  }

  async function play(kind: string): Promise<{ kind: string; whom: string }> {
    const harm: Harm = await faults[kind]!.begin(chance)
    const name = `${kind} (${harm.whom})`
    underWay.add(name)
    await sleep(harm.ms)
    await harm.end()
    underWay.delete(name)
    return { kind, whom: harm.whom }
  }

  function deckOf(lane: Fault['lane']): () => string {
    const kinds = Object.keys(faults).filter(kind => faults[kind]!.lane === lane)
    let deck: string[] = []
    return () => {
      if (deck.length === 0) deck = shuffle([...kinds], chance)
      return deck.pop()!
    }
  }

  return {
    recoveries,
    hurt: () => [...underWay],
    done: Promise.all([houseLane(), moneyLane()]).then(() => {}),
  }
}
