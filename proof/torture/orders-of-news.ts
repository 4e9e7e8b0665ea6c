import { permutations } from '#kernel/test/permutations.ts'
import type { BankSide } from '../bank-side.ts'
import type { Order } from './torture.ts'

type News = 'created' | 'failed' | 'succeeded' | 'refunded'

const eventTypes: Record<News, string> = {
  created: 'payment_intent.created',
  failed: 'payment_intent.payment_failed',
  succeeded: 'payment_intent.succeeded',
  refunded: 'charge.refunded',
}

/** Every order in which the news of a payment with one card can arrive, and of one whose first card was declined. */
export const ordersOfNews: readonly (readonly News[])[] = [
  ...permutations<News>(['created', 'succeeded', 'refunded']),
  ...permutations<News>(['created', 'failed', 'succeeded', 'refunded']),
]

export function cardsOf(news: readonly News[]): string[] {
  return news.includes('failed') ? ['pm_card_chargeDeclined', 'pm_card_visa'] : ['pm_card_visa']
}

const happensMs = 300_000
/** The bank looks every 100 ms what is to be sent. */
const arrivesMs = 1500

/**
 * Sends each payment its news, one to three times, in its own order. What has not happened yet is made to happen: somebody takes the money
 * in the bank's pages, or staff give it back, for which the box office must have sold without having been told.
 */
export async function tellInOrder(
  paid: readonly { news: readonly News[]; order: Order; sold: Promise<void> }[],
  deps: {
    bank: BankSide
    /** Nothing of these happened before: seconds since 1970. */
    since: number
    giveBack: (order: Order) => Promise<void>
    sleep: (ms: number) => Promise<void>
  },
): Promise<void> {
  const { bank, since, giveBack, sleep } = deps
  const steps = Math.max(...paid.map(({ news }) => news.length))
  for (let step = 0; step < steps; step++) {
    const told = paid.flatMap(({ news, ...one }) => (step < news.length ? [{ ...one, news: news[step]! }] : []))
    await Promise.all(told.map(makeHappen))
    const events = await happened(told)
    for (const [i, event] of events.entries())
      for (let copies = 1 + ((i + step) % 3); copies > 0; copies--) await bank.resend(event)
    await sleep(arrivesMs)
  }

  async function makeHappen({ news, order, sold }: { news: News; order: Order; sold: Promise<void> }): Promise<void> {
    if (news === 'succeeded') await bank.captureByHand(order.ref)
    if (news !== 'refunded') return
    await sold
    await giveBack(order)
  }

  /** The ids of their events, once the bank has them all. */
  async function happened(told: readonly { news: News; order: Order }[]): Promise<string[]> {
    for (const until = performance.now() + happensMs; ; await sleep(500)) {
      const all = await bank.events(since)
      const found = told.map(({ news, order }) =>
        all.find(({ type, data: { object } }) => {
          return type === eventTypes[news] && (object.payment_intent ?? object.id) === order.ref
        }),
      )
      const missing = told.filter((_, i) => found[i] === undefined)
      if (missing.length === 0) return found.map(event => event!.id)
      if (performance.now() > until)
        throw new Error(`never happened: ${missing.map(({ news, order }) => `${order.ref} ${news}`).join(', ')}`)
    }
  }
}
