import { setTimeout as sleep } from 'node:timers/promises'
import type { Api } from '../../fans/api.ts'
import { ask } from '../../fans/questions.ts'

export type Order = {
  reservationId: string
  paymentId: string | null
  /** When the buyer was told, in milliseconds since 1970. */
  heldAt: number
  /** The bank said yes. */
  paidAt: number | null
  /** The buyer saw the reservation confirmed: what was acknowledged. */
  ticketAt: number | null
}

/** Buyers who come one after the other until they are told that it is over, and what they were told. */
export type Till = {
  orders: Order[]
  /** Holds that were refused because of the fence. */
  fenced(): number
  /** When the first hold was made that was asked for after this time; null if none was. */
  servedSince(at: number): number | null
  stop(): Promise<void>
}

const betweenMs = 120
/** Whoever has paid waits so long for the ticket; longer than any of the outages that are played here. */
const patienceMs = 45_000

export function openTill(place: { url: string; sandboxUrl: string; eventId: string; api: Api }): Till {
  const { url, sandboxUrl, eventId, api } = place
  const orders: Order[] = []
  const served: { askedAt: number; at: number }[] = []
  const inside = new Set<Promise<void>>()
  let isOver = false
  let fenced = 0
  let count = 0

  async function insist(question: () => ReturnType<Api>, giveUpAt: number): ReturnType<Api> {
    for (;;) {
      const answer = await question()
      const passes = [0, 429, 500, 502, 503].includes(answer.status)
      if (answer.body?.code === 'sales-closed') fenced++
      if (!passes || Date.now() > giveUpAt) return answer
      await sleep(Math.min(1000, answer.retryAfterMs ?? 300))
    }
  }

  async function buy(): Promise<void> {
    const giveUpAt = Date.now() + patienceMs
    const guest = await insist(() => api(url, ask.guest()), giveUpAt)
    if (guest.status >= 300) return
    const me = { token: guest.body.access_token as string }
    const key = `drill-${process.pid}-${++count}-${Date.now()}`
    let askedAt = 0
    const held = await insist(() => {
      askedAt = Date.now()
      if (isOver) return Promise.resolve({ status: 410, body: {} } as Awaited<ReturnType<Api>>)
      return api(url, ask.hold({ ...me, key }, eventId, { best_available: { quantity: 1 } }))
    }, giveUpAt)
    if (held.status !== 201) return
    served.push({ askedAt, at: Date.now() })
    const reservationId = held.body.reservation_id as string
    const order: Order = { reservationId, paymentId: null, heldAt: Date.now(), paidAt: null, ticketAt: null }
    orders.push(order)
    const buyer = { email: 'ada@example.org', name: 'Ada' }
    const paying = await insist(() => api(url, ask.checkOut(me, reservationId, buyer)), giveUpAt)
    if (paying.status !== 200) return
    const { provider_ref: ref, client_secret: secret, publishable_key: publishableKey, payment_id } = paying.body
    order.paymentId = payment_id
    const said = await insist(
      () => api(sandboxUrl, ask.confirm({ ref, secret, publishableKey }, 'pm_card_visa')),
      giveUpAt,
    )
    if (said.status !== 200) return
    order.paidAt = Date.now()
    while (Date.now() < giveUpAt) {
      const { status, body } = await api(url, ask.reservation(me, reservationId))
      if (status === 404) return
      if (status === 200 && body.state === 'confirmed') {
        order.ticketAt = Date.now()
        return
      }
      await sleep(250)
    }
  }

  const opening = (async () => {
    while (!isOver) {
      const one = buy()
        .catch(() => {}) // whoever met a dying server has gone home
        .finally(() => inside.delete(one))
      inside.add(one)
      await sleep(betweenMs)
    }
  })()

  return {
    orders,
    fenced: () => fenced,
    servedSince: at => served.find(hold => hold.askedAt >= at)?.at ?? null,
    async stop() {
      isOver = true
      await opening
      await Promise.all(inside)
    },
  }
}
