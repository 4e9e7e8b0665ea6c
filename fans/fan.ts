import type { Answer, Api } from './api.ts'
import type { Plan } from './crowd.ts'
import { ask, type Places, type Question } from './questions.ts'
import { seededRandom } from './seeded-random.ts'

/** The concert as everybody knows it, and where to ask. */
export type Concert = {
  /** Origin of the box office. */
  url: string
  sandboxUrl: string
  eventId: string
  sections: readonly string[]
  areaId: string | null
}

/** What a fan's evening was. */
export type Story = {
  end: 'has-tickets' | 'left' | 'gave-back' | 'declined' | 'nothing-left' | 'not-paid' | 'gave-up'
  attempts: number
  wins: number
  refusals: string[]
  errors: string[]
  holdMs: number[]
  checkoutMs: number | null
  /** From the confirmation of the card to the ticket. */
  confirmedMs: number | null
  tickets: number
  /** Told that there would be no turn to pay before the end of the hold. */
  wasWarned: boolean
}

export type FanDeps = { api: Api; sleep: (ms: number) => Promise<void>; isOver: () => boolean }

const triesMax = 5
const confirmationMsMax = 120_000

/**
 * One fan from the door to the ticket:
 *
 *   guest -> looks -> holds (again, elsewhere, when others were faster) -> checks out -> card -> waits -> ticket
 *
 * Waits as long as it is told to, as a patient browser does.
 */
export async function beFan(plan: Plan, concert: Concert, deps: FanDeps): Promise<Story> {
  const { api, sleep, isOver } = deps
  const random = seededRandom(plan.seed)
  const story: Story = {
    end: 'nothing-left',
    attempts: 0,
    wins: 0,
    refusals: [],
    errors: [],
    holdMs: [],
    checkoutMs: null,
    confirmedMs: null,
    tickets: 0,
    wasWarned: false,
  }
  const { url, sandboxUrl, eventId } = concert
  const guest = await patiently(url, ask.guest())
  if (guest.status !== 201) return ended('gave-up')
  const me = { token: guest.body.access_token as string }
  await api(url, ask.event(eventId))
  await api(url, ask.availability(eventId))

  const reservationId = await holdSomething()
  if (reservationId === null) return story
  await think(200, 800)
  if (plan.habit === 'leaves-cart') return ended('left')
  if (plan.habit === 'gives-back' && random() < 0.5) return giveBack(reservationId)

  const startedAt = performance.now()
  const payment = await checkOut(reservationId)
  if (payment === null) return story
  story.checkoutMs = performance.now() - startedAt
  if (plan.habit === 'leaves-payment') return ended('left')
  if (plan.habit === 'gives-back') return giveBack(reservationId)
  await think(300, 1500)
  const card = await payWith(payment)
  if (card !== 'accepted') return ended(card)
  return waitForTickets(reservationId)

  async function holdSomething(): Promise<string | null> {
    for (let tries = 0; tries < triesMax && !isOver(); tries++) {
      const places = await choose()
      if (places === null) continue
      story.attempts++
      const held = await patiently(url, ask.hold({ ...me, key: `${plan.seed}-${tries}` }, eventId, places))
      story.holdMs.push(held.ms)
      if (held.status === 201) {
        story.wins++
        return held.body.reservation_id as string
      }
      refusedBy(held)
      if (held.body.code === 'no-match' || held.body.code === 'capacity-unavailable') return null
      await think(100, 600)
    }
    return null
  }

  async function choose(): Promise<Places | null> {
    const { quantity } = plan
    if (plan.wish === 'standing' && concert.areaId !== null) return { areas: [{ area_id: concert.areaId, quantity }] }
    if (plan.wish === 'best') return { best_available: { quantity } }
    const section = concert.sections[Math.floor(random() * concert.sections.length)]!
    const { body } = await api(url, ask.seats(eventId, section))
    const free = ((body.seats ?? []) as { seat_id: string; row: string; status: string }[]).filter(
      seat => seat.status === 'available',
    )
    const runs = free
      .map((_, i) => free.slice(i, i + quantity))
      .filter(run => run.length === quantity && run.every(seat => seat.row === run[0]!.row))
    if (runs.length === 0) return null
    return { seat_ids: runs[Math.floor(random() * runs.length)]!.map(seat => seat.seat_id) }
  }

  async function checkOut(reservationId: string): Promise<Answer | null> {
    const buyer = { email: `fan${plan.seed}@example.org`, name: `Fan ${plan.seed}` }
    for (;;) {
      const answer = await api(url, ask.checkOut(me, reservationId, buyer))
      if (answer.status === 200) return answer
      if (answer.status !== 202 && answer.status !== 503 && answer.status !== 429) {
        refusedBy(answer)
        story.end = answer.body.code === 'reservation-expired' ? 'not-paid' : 'gave-up'
        return null
      }
      if (answer.status === 503) refusedBy(answer)
      if (answer.body.in_time === false) story.wasWarned = true
      if (isOver()) {
        story.end = 'not-paid'
        return null
      }
      await sleep(answer.retryAfterMs ?? 1000)
    }
  }

  async function payWith({ body }: Answer): Promise<'accepted' | 'declined' | 'not-paid'> {
    const cards = {
      'second-card': ['pm_card_chargeDeclinedInsufficientFunds', 'pm_card_visa'],
      'no-card': ['pm_card_chargeDeclined'],
    }[plan.habit as string] ?? ['pm_card_visa']
    for (const card of cards) {
      const intent = { ref: body.provider_ref, secret: body.client_secret, publishableKey: body.publishable_key }
      const answer = await patiently(sandboxUrl, ask.confirm(intent, card))
      if (answer.status === 200) return 'accepted'
      if (answer.status !== 402) return 'not-paid'
      await think(300, 1000)
    }
    return 'declined'
  }

  async function waitForTickets(reservationId: string): Promise<Story> {
    const paidAt = performance.now()
    for (let pause = 150; performance.now() - paidAt < confirmationMsMax; pause = Math.min(2000, pause * 1.5)) {
      await sleep(pause)
      const { status, body } = await api(url, ask.reservation(me, reservationId))
      if (status !== 200) continue
      if (body.state === 'confirmed') {
        story.confirmedMs = performance.now() - paidAt
        story.tickets = body.tickets.length
        const ticket = await patiently(url, ask.ticket(me, body.tickets[0].ticket_id))
        if (ticket.body.qr_payload?.length !== 138) story.errors.push('a ticket without a code')
        return ended('has-tickets')
      }
      if (body.state !== 'pending_payment' && body.payment?.settling !== true) return ended('not-paid')
    }
    story.errors.push('paid, and no ticket in two minutes')
    return ended('not-paid')
  }

  async function giveBack(reservationId: string): Promise<Story> {
    await patiently(url, ask.cancel(me, reservationId))
    return ended('gave-back')
  }

  /** Again after the pause that the server asks for; not for ever. */
  async function patiently(origin: string, question: Question): Promise<Answer> {
    for (let tries = 0; ; tries++) {
      const answer = await api(origin, question)
      const isBusy = answer.status === 503 || answer.status === 429 || answer.status === 0
      if (!isBusy || tries >= 8 || answer.body.code === 'sales-closed') return answer
      if (answer.status === 0) story.errors.push('no-answer')
      else refusedBy(answer)
      await sleep(answer.retryAfterMs ?? 500)
    }
  }

  function refusedBy({ status, body }: Answer): void {
    if (status >= 500 && status !== 503) story.errors.push(String(body.code ?? status))
    else story.refusals.push(String(body.code ?? status))
  }

  function ended(end: Story['end']): Story {
    story.end = end
    return story
  }

  async function think(leastMs: number, mostMs: number): Promise<void> {
    await sleep(leastMs + random() * (mostMs - leastMs))
  }
}
