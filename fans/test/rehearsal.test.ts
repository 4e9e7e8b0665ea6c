import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Answer, Api } from '../api.ts'
import { type Plan, planCrowd } from '../crowd.ts'
import { beFan, type Concert } from '../fan.ts'
import type { Question } from '../questions.ts'
import { type Books, isSound, latencyOf, reportOf } from '../report.ts'

const books: Books = {
  capacity: 10,
  available: 8,
  held: 0,
  reserved: 0,
  sold: 2,
  blocked: 0,
  balanced: true,
  oversold: 0,
  live_tickets: 2,
  captured_amount: 100,
  refunded_amount: 0,
  refund_pending_amount: 0,
  quarantined_amount: 0,
}
const concert: Concert = {
  url: 'http://box',
  sandboxUrl: 'http://bank',
  eventId: 'evt_1',
  sections: ['A'],
  areaId: 'floor',
}

test('the same seed brings the same crowd, another one another', () => {
  const crowd = planCrowd({ fans: 500, rate: 10, seed: 3 })
  assert.deepEqual(planCrowd({ fans: 500, rate: 10, seed: 3 }), crowd)
  assert.notDeepEqual(planCrowd({ fans: 500, rate: 10, seed: 4 }), crowd)
  const seconds = crowd.at(-1)!.arrivesAt / 1000
  assert.ok(seconds > 40 && seconds < 60, `500 fans at 10 a second came in ${seconds} s`)
  assert.equal(new Set(crowd.map(plan => plan.habit)).size, 6)
})

test('a box office that is oversold, does not balance, or has tickets without seats is not sound', () => {
  assert.equal(isSound(reportOf([], books, 1)), true)
  assert.equal(isSound(reportOf([], { ...books, oversold: 1 }, 1)), false)
  assert.equal(isSound(reportOf([], { ...books, balanced: false }, 1)), false)
  assert.equal(isSound(reportOf([], { ...books, live_tickets: 3 }, 1)), false)
})

test('percentiles are of the values, and of nothing they are 0', () => {
  assert.deepEqual(latencyOf(Array.from({ length: 100 }, (_, i) => i + 1)), { p50: 51, p95: 96, p99: 100 })
  assert.deepEqual(latencyOf([]), { p50: 0, p95: 0, p99: 0 })
})

test('a fan whose first card is declined pays with the second, and waits for the ticket', async () => {
  const { story, asked } = await evening({ habit: 'second-card' })
  assert.equal(story.end, 'has-tickets')
  assert.equal(story.tickets, 2)
  assert.equal(asked.filter(url => url.endsWith('/confirm')).length, 2)
})

test('a fan who loses the seats tries others, and who is told to wait with the payment waits', async () => {
  const { story, slept } = await evening({ wish: 'best' }, { conflicts: 2, unavailable: 2 })
  assert.equal(story.end, 'has-tickets')
  assert.equal(story.attempts, 3)
  assert.deepEqual(story.refusals, [
    'seats-unavailable',
    'seats-unavailable',
    'payments-unavailable',
    'payments-unavailable',
  ])
  assert.equal(slept.filter(ms => ms === 7000).length, 2)
})

test('a fan who leaves the cart pays nothing', async () => {
  const { story, asked } = await evening({ habit: 'leaves-cart' })
  assert.equal(story.end, 'left')
  assert.ok(!asked.some(url => url.endsWith('/checkout')))
})

/** An evening at a box office of paper. */
async function evening(plan: Partial<Plan>, { conflicts = 0, unavailable = 0 } = {}) {
  const asked: string[] = []
  const slept: number[] = []
  let cards = 0
  const answer = (status: number, body: object, retryAfterMs: number | null = null): Answer => ({
    status,
    body,
    retryAfterMs,
    ms: 1,
  })
  const api: Api = async (_origin, question: Question) => {
    const { path: url } = question
    asked.push(url)
    if (url.endsWith('/auth/guest')) return answer(201, { access_token: 'token' })
    if (url.endsWith('/reservations'))
      return conflicts-- > 0 ? answer(409, { code: 'seats-unavailable' }) : answer(201, { reservation_id: 'rsv_1' })
    if (url.endsWith('/checkout'))
      return unavailable-- > 0
        ? answer(503, { code: 'payments-unavailable' }, 7000)
        : answer(200, { provider_ref: 'pi_1', client_secret: 's', publishable_key: 'pk' })
    if (url.endsWith('/confirm'))
      return ++cards === 1 && question.form!.payment_method !== 'pm_card_visa' ? answer(402, {}) : answer(200, {})
    if (url.endsWith('/reservations/rsv_1'))
      return answer(200, { state: 'confirmed', tickets: [{ ticket_id: 'tkt_1' }, { ticket_id: 'tkt_2' }] })
    if (url.includes('/tickets/')) return answer(200, { qr_payload: 'X'.repeat(138) })
    return answer(200, {})
  }
  const whole: Plan = { arrivesAt: 0, wish: 'best', habit: 'pays', quantity: 2, seed: 1, ...plan }
  const story = await beFan(whole, concert, {
    api,
    sleep: async ms => void slept.push(ms),
    isOver: () => false,
  })
  return { story, asked, slept }
}
