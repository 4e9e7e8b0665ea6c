import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer, Api } from '../../fans/api.ts'
import { ask, type Places, type Question } from '../../fans/questions.ts'
import { seededRandom } from '../../fans/seeded-random.ts'
import type { Promised } from './promises.ts'

export type House = {
  urls: readonly string[]
  sandboxUrl: string
  publishableKey: string
  eventId: string
  /** Rows of seats, by id. */
  rows: readonly (readonly string[])[]
  /** Asks as staff. */
  staff(question: Question): Promise<Answer>
}

export type Buyers = {
  promised: ReadonlyMap<string, Promised>
  acknowledged(): number
  /** Broken connections and 503: what a buyer in the middle of it sees. */
  turnedAway(): number
  /** Answers that are none of what is documented for the question, and how often they came. */
  odd: ReadonlyMap<string, number>
  /** Nobody new; resolves when those inside have left. */
  stop(): Promise<void>
}

/** How long somebody repeats one question. A hold of a few seconds is over by then. */
const patienceMs = 45_000
const ticketMsMax = 60_000

/** Comes at a rate, whatever the box office is doing, and writes down all that it is told. */
export function letBuyersIn(house: House, api: Api, { rate, seed }: { rate: number; seed: number }): Buyers {
  const promised = new Map<string, Promised>()
  const odd = new Map<string, number>()
  const inside = new Set<Promise<void>>()
  let acknowledged = 0
  let turnedAway = 0
  let isOver = false
  const arriving = arrive()

  async function arrive(): Promise<void> {
    const startedAt = performance.now()
    for (let n = 0; !isOver; n++) {
      await sleep(Math.max(0, startedAt + (n * 1000) / rate - performance.now()))
      const visit = buy(n, seededRandom(seed * 1_000_003 + n)).finally(() => inside.delete(visit))
      inside.add(visit)
    }
  }

  async function buy(n: number, chance: () => number): Promise<void> {
    let at = Math.floor(chance() * house.urls.length)
    const insist = async (question: Question, expected: readonly number[], again: readonly number[] = []) => {
      for (const until = performance.now() + patienceMs; ; ) {
        const answer = await api(house.urls[at]!, question)
        if (expected.includes(answer.status)) return answer
        if (answer.status === 0 || answer.status === 503) turnedAway++
        else if (!again.includes(answer.status) && answer.status !== 429) {
          const word = `${answer.status} ${answer.body.code ?? ''} ${(question.method ?? '').trim()}${question.path.replace(/\w+_\w{26}/g, '*')}`
          odd.set(word, (odd.get(word) ?? 0) + 1)
          if (answer.status < 500) return null
        }
        if (performance.now() > until) return null
        // The other door may be open: the key is what makes both one wish.
        at = (at + 1) % house.urls.length
        await sleep(answer.retryAfterMs ?? 200 + chance() * 300)
      }
    }
    const guest = await insist(ask.guest(), [201])
    if (guest === null) return
    const me = { token: guest.body.access_token as string }
    const held = await insist(ask.hold({ ...me, key: `chaos-${n}` }, house.eventId, wish(chance)), [201, 409])
    if (held?.status !== 201) return
    const promise = promiseOf(held.body)
    const { reservationId } = promise
    promised.set(reservationId, promise)
    acknowledged++
    const path = `/v1/reservations/${reservationId}`
    await sleep(chance() * 2500)
    if (chance() < 0.25) {
      const extended = await insist({ path: `${path}/extend`, method: 'POST', ...me }, [200, 409])
      if (extended?.status === 200) {
        promise.extendedUntil = Date.parse(extended.body.expires_at)
        acknowledged++
      }
    }
    const drawn = chance()
    if (drawn < 0.25) return // leaves the cart to its end
    if (drawn < 0.5) {
      promise.askedToCancel = true
      const cancelled = await insist(ask.cancel(me, reservationId), [204, 202, 409])
      if (cancelled?.status !== 204) return
      promise.isCancelled = true
      acknowledged++
      return
    }
    const paying = await insist(
      ask.checkOut(me, reservationId, { email: 'ada@example.org', name: 'Ada' }),
      [200, 409],
      [202],
    )
    if (paying?.status !== 200) return
    const { provider_ref: ref, client_secret: secret } = paying.body
    const cards = drawn < 0.55 ? [] : drawn < 0.7 ? ['pm_card_chargeDeclined'] : []
    for (const card of [...cards, ...(drawn < 0.58 ? [] : ['pm_card_visa'])]) await payAtBank(ref, secret, card)
    if (drawn < 0.58) return
    for (const until = performance.now() + ticketMsMax; performance.now() < until; await sleep(700)) {
      const seen = await insist(ask.reservation(me, reservationId), [200])
      if (seen?.body.state !== 'confirmed') continue
      promise.tickets = (seen.body.tickets as { ticket_id: string }[]).map(ticket => ticket.ticket_id)
      acknowledged++
      break
    }
    if (promise.tickets === null || chance() > 0.05) return
    promise.askedForRefund = true
    const refunded = await house.staff({ path: `${path}/refund`, key: reservationId, body: { reason: 'chaos' } })
    if (refunded.status !== 202) return
    promise.refundId = refunded.body.refund_id
    acknowledged++
  }

  /** On the bank's own page, which asks again when the bank does not answer. */
  async function payAtBank(ref: string, secret: string, card: string): Promise<void> {
    const question = ask.confirm({ ref, secret, publishableKey: house.publishableKey }, card)
    for (let tries = 0; tries < 20; tries++) {
      const { status } = await api(house.sandboxUrl, question)
      if (status !== 0 && status < 500) return
      await sleep(1000)
    }
  }

  function wish(chance: () => number): Places {
    const drawn = chance()
    if (drawn < 0.15) return { best_available: { quantity: 1 + Math.floor(chance() * 3) } }
    if (drawn < 0.3) return { areas: [{ area_id: 'floor', quantity: 1 + Math.floor(chance() * 2) }] }
    // The front of the house is what everybody wants.
    const row = house.rows[Math.floor(chance() ** 2 * house.rows.length)]!
    const first = Math.floor(chance() * (row.length - 2))
    return { seat_ids: row.slice(first, first + 1 + Math.floor(chance() * 3)) }
  }

  return {
    promised,
    odd,
    acknowledged: () => acknowledged,
    turnedAway: () => turnedAway,
    async stop() {
      isOver = true
      await arriving
      await Promise.all(inside)
    },
  }
}

function promiseOf(body: Answer['body']): Promised {
  const items = body.items as { seat_id?: string; quantity?: number }[]
  return {
    reservationId: body.reservation_id,
    seatIds: items.flatMap(item => item.seat_id ?? []),
    places: items.reduce((sum, item) => sum + (item.seat_id === undefined ? item.quantity! : 0), 0),
    expiresAt: Date.parse(body.expires_at),
    extendedUntil: null,
    askedToCancel: false,
    isCancelled: false,
    tickets: null,
    askedForRefund: false,
    refundId: null,
  }
}
