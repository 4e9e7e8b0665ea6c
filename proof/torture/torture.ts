import type { Api } from '../../fans/api.ts'
import { makeConcert } from '../../fans/hall.ts'
import type { OwnServer } from '../../fans/own-server.ts'
import { ask } from '../../fans/questions.ts'
import { seededRandom } from '../../fans/seeded-random.ts'
import { bankSide } from '../bank-side.ts'
import { forge, forgeryKinds, wellSigned } from './forgeries.ts'
import { cardsOf, ordersOfNews, tellInOrder } from './orders-of-news.ts'

export type TortureOptions = {
  server: OwnServer
  api: Api
  payments: number
  seed: number
  /** How long the endpoint counts as down. */
  outageMinutes: number
  sleep: (ms: number) => Promise<void>
  tell: (line: string) => void
}

export type TortureReport = {
  payments: number
  /** Orders whose end is not what the provider's books say it must be. */
  wrong_effects: number
  wrong: string[]
  /** Between what the provider took and gave back, and what our books say, in minor units. */
  ledger_difference: number
  /** Payments whose news came in one of all orders that there are. */
  orders_of_news: number
  outage_minutes: number
  /** Not delivered when the books were compared. */
  webhooks_left: number
  forgeries: number
  /** Answered with 2xx although badly signed, or with any effect. */
  forgeries_accepted: number
  /** Of all webhooks that were answered with a yes, as the bank measures it. */
  ack_p50_ms: number
  ack_p99_ms: number
  acks: number
  /** How late the bank's own process was: in `ack_p99_ms` too. */
  bank_delay_p99_ms: number
  /** From the buyer's card to the ticket, the longest. */
  healed_max_s: number
  crashes: number
  tickets: number
  refunds: number
  oversold: number
  balanced: boolean
  seconds: number
}

export type Order = {
  token: string
  reservationId: string
  ref: string
  paymentId: string
  amount: number
  /** When the bank said yes; null: it did not. */
  acceptedAt: number | null
  ticketAt: number | null
}

const webhookPath = '/v1/webhooks/payments/stripe'
const holdSeconds = 900
const typingMs = 1500
const restMsMax = 300_000
/** Longer than a hold, and than any trouble that is made here: whoever is not answered by then is not served. */
const insistMsMax = 1_200_000
/** For the last webhooks: one that was refused twice comes again after five minutes. */
const lateMsMax = 240_000

/** Payments in number, and everything that can be wrong with the news of them; then both sides' books are laid side by side. */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const { server, api, payments, sleep, tell } = options
  const { url } = server
  const random = seededRandom(options.seed)
  const startedAt = performance.now()
  const { body: config } = await api(url, { path: '/v1/config' })
  const sandboxUrl = config.payments.sandbox_url as string
  const bank = bankSide(api, { url: sandboxUrl, folder: server.folder })
  let staff = await login()
  const eventId = await makeConcert({ places: Math.max(200, payments * 2), holdSeconds }, async (path, body) => {
    const answer = await api(url, { path: `/v1${path}`, token: staff, body })
    if (answer.status >= 300) throw new Error(`${path} answers ${answer.status}: ${answer.body.detail}`)
    return answer.body
  })
  await bank.steer({ webhooks: { copies: [1, 20], delay_ms: [0, 300_000], reorder_ms: 10_000, drop_share: 0.2 } })

  const orders: Order[] = []
  const accepted: string[] = []
  const turnedAway: string[] = []
  let forgeries = 0
  let crashes = 0
  let buyersLeft = payments

  const buyers = Array.from({ length: payments }, (_, i) => buy(i, seededRandom(options.seed * 1_000_003 + i)))
  const troubles = [forgeAll(), beSteered(), tellProgress()]
  await Promise.all(buyers)
  await Promise.all(troubles)
  tell('all have paid or left; some give their tickets back, and the last webhooks come')
  await bank.steer({ webhooks: { copies: [1, 3], delay_ms: [0, 1000], reorder_ms: 0, drop_share: 0, outage: false } })
  const sold = orders.filter(order => order.ticketAt !== null)
  const back = sold.filter((_, i) => i % 10 === 0)
  staff = await login()
  for (const order of back) await giveBack(order)
  // What was refused more than once is tried again after half an hour, as by Stripe; nobody waits for that.
  for (const until = performance.now() + lateMsMax; (await bank.waiting()) > 0 && performance.now() < until; )
    await sleep(500)
  const webhooksLeft = await bank.waiting()
  tell(`${ordersOfNews.length} payments hear of it in all orders`)
  const inOrder = await payInAllOrders()
  tell('waiting for the books to come to rest')
  await comeToRest()
  return report()

  async function login(): Promise<string> {
    const body = { email: server.email, password: server.password }
    return (await insist(() => api(url, { path: '/v1/auth/login', body }))).body.access_token
  }

  /** One buyer, and one or two cards. */
  async function buy(i: number, chance: () => number): Promise<void> {
    try {
      await sleep(chance() * payments * 45)
      const drawn = chance()
      const cards =
        drawn < 0.5
          ? ['pm_card_visa']
          : drawn < 0.75
            ? ['pm_card_chargeDeclined', 'pm_card_visa']
            : drawn < 0.9
              ? ['pm_card_chargeDeclined']
              : []
      const order = await pay(`torture-${i}`, cards)
      if (order === null) return
      if (order.acceptedAt !== null) await waitForTicket(order)
      // Whoever could not pay gives up, so that the end need not wait for their hold.
      else await insist(() => api(url, ask.cancel(order, order.reservationId)))
    } finally {
      buyersLeft--
    }
  }

  /** A seat, and the cards one after the other. The page asks again for as long as it takes. */
  async function pay(key: string, cards: readonly string[]): Promise<Order | null> {
    const guest = await insist(() => api(url, ask.guest()))
    const me = { token: guest.body.access_token as string }
    const held = await insist(() => api(url, ask.hold({ ...me, key }, eventId, { best_available: { quantity: 1 } })))
    if (held.status !== 201) return notServed(`a hold is answered ${held.status} ${held.body.code}`)
    const reservationId = held.body.reservation_id as string
    const paying = await insist(
      () => api(url, ask.checkOut(me, reservationId, { email: 'ada@example.org', name: 'Ada' })),
      [202],
    )
    if (paying.status !== 200) return notServed(`a checkout is answered ${paying.status} ${paying.body.code}`)
    const {
      provider_ref: ref,
      client_secret: secret,
      publishable_key: publishableKey,
      payment_id,
      amount,
    } = paying.body
    const order: Order = {
      ...me,
      reservationId,
      ref,
      paymentId: payment_id,
      amount,
      acceptedAt: null,
      ticketAt: null,
    }
    orders.push(order)
    // Time to type a card, in which somebody may forge that it was.
    await sleep(typingMs)
    for (const card of cards) {
      const said = await insist(() => api(sandboxUrl, ask.confirm({ ref, secret, publishableKey }, card)))
      if (said.status === 200) order.acceptedAt = performance.now()
    }
    return order
  }

  /** There are places for all, and everybody comes in time. */
  function notServed(what: string): null {
    turnedAway.push(what)
    return null
  }

  async function waitForTicket(order: Order): Promise<void> {
    for (const until = performance.now() + restMsMax; performance.now() < until; await sleep(1000)) {
      const { body } = await api(url, ask.reservation(order, order.reservationId))
      if (body.state !== 'confirmed') continue
      order.ticketAt = performance.now()
      return
    }
  }

  async function insist(question: () => ReturnType<Api>, again: readonly number[] = []): ReturnType<Api> {
    for (const until = performance.now() + insistMsMax; ; ) {
      const answer = await question()
      const isPassing =
        answer.status === 0 || answer.status === 429 || answer.status === 503 || again.includes(answer.status)
      if (!isPassing || performance.now() > until) return answer
      await sleep(answer.retryAfterMs ?? 500)
    }
  }

  /** Whoever came last and has not paid yet: only there "this has been paid" would be a lie that sells. */
  function aim(): Order {
    return orders.findLast(({ acceptedAt }) => acceptedAt === null) ?? orders.at(-1)!
  }

  /** One forgery for ten payments, each for an intent that is open. */
  async function forgeAll(): Promise<void> {
    for (let i = 0; i < payments / 10; i++) {
      while (orders.length === 0) await sleep(100)
      await sleep(random() * 900)
      const { ref, paymentId, amount } = aim()
      const kind = forgeryKinds[i % forgeryKinds.length]!
      const { body, signature } = forge(kind, {
        ref,
        paymentId,
        amount,
        secret: await bank.signingSecret(),
        nowSeconds: Math.floor(Date.now() / 1000),
      })
      forgeries++
      const response = await fetch(`${url}${webhookPath}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(signature !== '' && { 'stripe-signature': signature }) },
        body,
      }).catch(() => null)
      if (response === null) continue
      await response.arrayBuffer()
      if (!wellSigned.has(kind) && response.ok) accepted.push(kind)
    }
  }

  /** In the middle: the endpoint is down for a while, the secret is changed, the server dies. */
  async function beSteered(): Promise<void> {
    const share = (part: number) => () => orders.length >= payments * part || buyersLeft === 0
    await when(share(0.2))
    tell('the endpoint counts as down')
    // What comes from here on is a minute late at most, so that the end need not wait for it.
    await bank.steer({ webhooks: { outage: true, delay_ms: [0, 60_000] } })
    const back = sleep(options.outageMinutes * 60_000).then(async () => {
      await bank.steer({ webhooks: { outage: false } })
      tell('the endpoint is back; its secret is changed')
      await bank.rotateSecret({ overlapSeconds: 30 })
    })
    await when(share(0.6))
    tell('kill -9')
    await server.crash()
    crashes++
    await when(share(0.8))
    tell('kill -9 once more')
    await server.crash()
    crashes++
    await back
  }

  async function when(isSo: () => boolean): Promise<void> {
    while (!isSo()) await sleep(200)
  }

  async function tellProgress(): Promise<void> {
    while (buyersLeft > 0) {
      await sleep(5000)
      const tickets = orders.filter(order => order.ticketAt !== null).length
      tell(`${orders.length} of ${payments} are paying, ${tickets} have tickets, ${forgeries} forgeries`)
    }
  }

  /** Asked for twice at once. */
  async function giveBack({ reservationId }: Order): Promise<void> {
    const question = { path: `/v1/reservations/${reservationId}/refund`, token: staff, body: { reason: 'torture' } }
    const asked = (key: string) => insist(() => api(url, { ...question, key: `${reservationId}-${key}` }))
    const answers = await Promise.all([asked('a'), asked('b')])
    if (!answers.some(answer => answer.status === 202))
      turnedAway.push(`a refund is answered ${answers.map(answer => answer.status).join(' and ')}`)
  }

  /** Nothing of these arrives by itself: each piece of news is sent, in its place. */
  async function payInAllOrders(): Promise<number> {
    await bank.steer({ webhooks: { drop_share: 1 } })
    const since = Math.floor(Date.now() / 1000) - 1
    const paid = await Promise.all(
      ordersOfNews.map(async (news, i) => {
        const order = await pay(`in-order-${i}`, cardsOf(news))
        if (order?.acceptedAt == null) throw new Error(`payment ${i} of those in order could not be made`)
        return { news, order, sold: waitForTicket(order) }
      }),
    )
    await tellInOrder(paid, { bank, since, giveBack, sleep })
    return paid.length
  }

  async function comeToRest(): Promise<void> {
    for (const until = performance.now() + restMsMax; performance.now() < until; await sleep(1000)) {
      const { status, body } = await api(url, { path: `/v1/events/${eventId}/audit`, token: staff })
      if (status === 200 && body.held === 0 && body.reserved === 0 && body.refund_pending_amount === 0) return
    }
  }

  async function report(): Promise<TortureReport> {
    const intents = new Map((await bank.intents()).map(intent => [intent.id, intent]))
    const given = await bank.givenBack()
    const wrong = [...turnedAway]
    for (const order of orders) {
      const { body } = await insist(() => api(url, ask.reservation(order, order.reservationId)))
      const intent = intents.get(order.ref)
      const received = intent?.amount_received ?? 0
      const back = given.get(order.ref) ?? 0
      const live = ((body.tickets ?? []) as { status: string }[]).filter(ticket => ticket.status !== 'void').length
      const isRight = received - back > 0 ? live === 1 && body.state === 'confirmed' : live === 0
      if (!isRight)
        wrong.push(`${order.reservationId}: ${body.state}, ${live} tickets, ${received} taken, ${back} back`)
      if (order.acceptedAt !== null && order.ticketAt === null)
        wrong.push(`${order.reservationId}: paid, and no ticket came`)
    }
    const twice = [...Map.groupBy(intents.values(), intent => intent.metadata.payment_id).values()].filter(
      made => made.length > 1,
    )
    for (const made of twice) wrong.push(`${made[0]!.metadata.payment_id} has ${made.length} intents`)
    const { body: books } = await api(url, { path: `/v1/events/${eventId}/audit`, token: staff })
    const unrested = books.held + books.reserved + books.refund_pending_amount
    if (unrested > 0) wrong.push(`${books.held} held, ${books.reserved} reserved, ${books.refund_pending_amount} owed`)
    const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0)
    const taken = sum([...intents.values()].map(intent => intent.amount_received))
    const difference = Math.abs(taken - books.captured_amount) + Math.abs(sum(given.values()) - books.refunded_amount)
    const acks = await bank.acknowledgements()
    const healed = orders.flatMap(({ acceptedAt, ticketAt }) =>
      acceptedAt === null || ticketAt === null ? [] : [(ticketAt - acceptedAt) / 1000],
    )
    return {
      payments: orders.length,
      wrong_effects: wrong.length,
      wrong: wrong.slice(0, 20),
      orders_of_news: inOrder,
      outage_minutes: options.outageMinutes,
      webhooks_left: webhooksLeft,
      ledger_difference: difference,
      forgeries,
      forgeries_accepted: accepted.length + books.quarantined_amount,
      ack_p50_ms: Math.round(acks.p50_ms * 10) / 10,
      ack_p99_ms: Math.round(acks.p99_ms * 10) / 10,
      acks: acks.count,
      bank_delay_p99_ms: Math.round(acks.own_delay_p99_ms * 10) / 10,
      healed_max_s: Math.round(Math.max(0, ...healed) * 10) / 10,
      crashes,
      tickets: books.live_tickets,
      refunds: back.length + inOrder,
      oversold: books.oversold,
      balanced: books.balanced,
      seconds: Math.round((performance.now() - startedAt) / 1000),
    }
  }
}
