import { Agent } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { ask, tally, wordOf } from './ask.ts'
import { type Guest, type HoldAnswer, hold, newKey } from './installation.ts'

export type Buyer = { url: string; guest: Guest; places: object }
export type Outcome = Buyer & { answer: HoldAnswer; word: string; turnedAway: string[] }

/**
 * Everybody opens a connection of their own, then all ask at the same moment. Who is told that the server is busy comes back
 * when it said, with the same key, as a fan does; every other answer is final.
 */
export async function stampede(buyers: Buyer[]): Promise<Outcome[]> {
  const agents = buyers.map(() => new Agent({ keepAlive: true, maxSockets: 1 }))
  // Some hundred at a time: the storm is to be one of requests, not of handshakes.
  for (let from = 0; from < buyers.length; from += 250)
    await Promise.all(
      buyers.slice(from, from + 250).map(({ url }, i) => ask(url, { path: '/healthz', agent: agents[from + i]! })),
    )
  const startedAt = performance.now()
  const outcomes = await Promise.all(buyers.map((buyer, i) => insist(buyer, agents[i]!)))
  const seconds = (performance.now() - startedAt) / 1000
  for (const agent of agents) agent.destroy()
  const [told, before] = [outcomes.map(({ word }) => word), outcomes.flatMap(({ turnedAway }) => turnedAway)].map(
    words => JSON.stringify(tally(words)),
  )
  console.log(`${buyers.length} at once: ${told} after ${seconds.toFixed(1)} s; before that ${before}`)
  return outcomes
}

/** Asks until the server is not too busy to look; for a minute, which no answer should take. */
export async function insist(buyer: Buyer, agent: Agent): Promise<Outcome> {
  const key = newKey()
  const giveUpAt = performance.now() + 60_000
  const turnedAway: string[] = []
  for (;;) {
    const answer = await hold(buyer.url, buyer.guest, buyer.places, { key, agent })
    const word = wordOf(answer)
    if (answer.status !== 503 || performance.now() > giveUpAt) return { ...buyer, answer, word, turnedAway }
    turnedAway.push(word)
    await wait(Number(answer.headers['retry-after']) * 1000)
  }
}
