import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OutcomeUnknown, RetryableFault } from '#kernel/faults.ts'
import type { PaymentId } from '#kernel/ids.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import {
  type CreateIntent,
  type Intent,
  KeptFailure,
  type PaymentProvider,
  ProviderBusy,
  ProviderRefusal,
} from '../../ports.ts'
import { Breaker } from '../breaker.ts'
import { type LaneOptions, type PacedProvider, paced } from '../paced-lane.ts'
import { VirtualClock } from './virtual-clock.ts'

type Sent = { endpoint: string; at: number }

/** A lane before a provider that notes when each call reached it, and answers with what it is told to. */
function laneWith(options: Partial<LaneOptions> & { answer?: () => Promise<unknown> } = {}) {
  const { answer = async () => ({}), ...limits } = options
  const clock = new VirtualClock()
  const metrics = createMetrics({ processMetrics: false })
  const sent: Sent[] = []
  const reached = (endpoint: string) => (): Promise<never> => {
    sent.push({ endpoint, at: clock.monotonic() })
    return answer() as Promise<never>
  }
  const provider: PaymentProvider = {
    name: 'played',
    id: 'played',
    installation: 'ours',
    publishableKey: 'pk',
    isLive: false,
    create: reached('create'),
    retrieve: reached('retrieve'),
    capture: reached('capture'),
    cancel: reached('cancel'),
    refund: reached('refund'),
    refundsOf: reached('list'),
    list: reached('list'),
    events: reached('events'),
    readWebhook: () => null,
  }
  const breaker = new Breaker({ clock, failuresMax: 2, openMs: 1000 })
  const lane = paced(provider, { clock, metrics, breaker, ...limits })
  const counted = async (endpoint: string, outcome: string) => {
    const { values } = await metrics.registry.getSingleMetric('holdfast_provider_calls_total')!.get()
    return values.find(({ labels }) => labels.endpoint === endpoint && labels.outcome === outcome)?.value ?? 0
  }
  return { clock, lane, sent, counted }
}

const create = (lane: PacedProvider) => lane.create({} as CreateIntent)
const capture = (lane: PacedProvider) =>
  lane.capture('pi_1', { paymentId: 'pay_1' as PaymentId, amount: 100, currency: 'EUR', attempt: 1 })

/** What became of it; also keeps a refusal from counting as unhandled. */
function fate(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => 'answered',
    error => error,
  )
}

function times(n: number, call: () => Promise<unknown>): Promise<unknown>[] {
  return Array.from({ length: n }, () => fate(call()))
}

/** The most calls that were sent within any second. */
function busiest(sent: readonly Sent[]): number {
  return Math.max(...sent.map(({ at }) => sent.filter(other => other.at >= at && other.at < at + 1000).length))
}

test('a single call is sent at once', async () => {
  const { clock, lane, sent } = laneWith()
  const [call] = times(1, () => create(lane))
  assert.deepEqual(sent, [{ endpoint: 'create', at: 0 }])
  await clock.pass(0)
  assert.equal(await call, 'answered')
})

test('an endpoint gets its calls a second, and a tenth of a second’s worth at once', async () => {
  const { clock, lane, sent } = laneWith({ perEndpoint: 20, total: 1000 })
  times(100, () => create(lane))
  assert.equal(sent.length, 3)
  await clock.pass(4000)
  assert.ok(busiest(sent) <= 23, `${busiest(sent)} in a second`)
  assert.ok(sent.length >= 80, `only ${sent.length} in four seconds`)
  await clock.pass(2000)
  assert.equal(sent.length, 100)
})

test('endpoints together get no more than the total', async () => {
  const { clock, lane, sent } = laneWith({ perEndpoint: 20, total: 30 })
  times(60, () => create(lane))
  times(60, () => lane.retrieve('pi_1'))
  times(60, () => lane.list({ createdSince: 0 }))
  await clock.pass(3000)
  assert.ok(busiest(sent) <= 34, `${busiest(sent)} in a second`)
  assert.ok(sent.length >= 88, `only ${sent.length} in three seconds`)
})

test('a full endpoint does not hold up another', async () => {
  const { lane, sent } = laneWith({ perEndpoint: 20, total: 1000 })
  times(50, () => create(lane))
  times(1, () => capture(lane))
  assert.deepEqual(sent.at(-1), { endpoint: 'capture', at: 0 })
})

test('when more wait than may go the most urgent go first, in whatever order they came', async () => {
  const { clock, lane, sent } = laneWith({ concurrency: 1 })
  times(1, () => lane.retrieve('pi_0'))
  times(1, () => lane.events({ createdSince: 0 }))
  times(1, () => lane.list({ createdSince: 0 }))
  times(1, () => lane.retrieve('pi_1'))
  times(1, () => create(lane))
  times(1, () => lane.refund('pi_1', { refundId: 'rfd_1', amount: 1, currency: 'EUR', round: 0 }))
  times(1, () => lane.cancel('pi_1'))
  times(1, () => capture(lane))
  await clock.pass(1000)
  const order = sent.map(({ endpoint }) => endpoint)
  assert.deepEqual(order.slice(1), ['capture', 'cancel', 'refund', 'create', 'retrieve', 'list', 'events'])
})

test('so many calls are under way and no more, also when none comes back', async () => {
  const { clock, lane, sent } = laneWith({ concurrency: 4, answer: () => new Promise(() => {}) })
  times(20, () => create(lane))
  await clock.pass(10_000)
  assert.equal(sent.length, 4)
})

test('a full queue refuses at once, and says that nothing happened', async () => {
  const { lane, counted } = laneWith({ queueMax: 5, concurrency: 1, answer: () => new Promise(() => {}) })
  times(6, () => create(lane))
  const refused = await fate(create(lane))
  assert.ok(refused instanceof RetryableFault)
  assert.match(refused.message, /too many calls wait/)
  assert.equal(await counted('create', 'queue-full'), 1)
})

test('what waited too long is dropped and never sent', async () => {
  const hanging: (() => void)[] = []
  const answer = () => new Promise<void>(resolve => hanging.push(resolve))
  const { clock, lane, sent, counted } = laneWith({ concurrency: 1, answer })
  times(1, () => create(lane))
  const [late] = times(1, () => create(lane))
  await clock.pass(20_001)
  hanging[0]!()
  await clock.pass(0)
  const dropped = await late
  assert.ok(dropped instanceof RetryableFault)
  assert.match(dropped.message, /was not sent/)
  assert.equal(sent.length, 1)
  assert.equal(await counted('create', 'too-late'), 1)
})

test('while the breaker is open a call is answered at once and not sent', async () => {
  const { clock, lane, sent, counted } = laneWith({ answer: () => Promise.reject(new OutcomeUnknown('silence')) })
  times(2, () => create(lane))
  await clock.pass(0)
  assert.equal(lane.breaker(), 'open')
  const away = await fate(create(lane))
  assert.ok(away instanceof RetryableFault)
  assert.match(away.message, /away/)
  assert.equal(sent.length, 2)
  assert.equal(await counted('create', 'away'), 1)
})

test('calls that wait when the breaker opens are answered then, not sent', async () => {
  const { clock, lane, sent } = laneWith({
    concurrency: 1,
    answer: () => Promise.reject(new OutcomeUnknown('silence')),
  })
  const calls = times(10, () => create(lane))
  await clock.pass(1000)
  const fates = await Promise.all(calls)
  assert.equal(sent.length, 2)
  assert.equal(fates.filter(end => end instanceof RetryableFault).length, 8)
})

test('after its pause one call tries, others are answered at once, and an answer lets all go again', async () => {
  let answer: () => Promise<unknown> = () => Promise.reject(new OutcomeUnknown('silence'))
  const { clock, lane, sent } = laneWith({ answer: () => answer() })
  times(2, () => create(lane))
  await clock.pass(1000)
  assert.equal(lane.breaker(), 'half-open')
  let answerTry: () => void = () => {}
  answer = () =>
    new Promise<void>(resolve => {
      answerTry = resolve
    })
  const [tried, other] = times(2, () => create(lane))
  await clock.pass(0)
  assert.ok((await other) instanceof RetryableFault)
  assert.equal(sent.length, 3)
  answerTry()
  assert.equal(await tried, 'answered')
  assert.equal(lane.breaker(), 'closed')
})

test('a refusal counts as an answer: a declined card opens no breaker', async () => {
  const { clock, lane, counted } = laneWith({
    answer: () => Promise.reject(new ProviderRefusal('card_declined', 'no')),
  })
  times(10, () => create(lane))
  await clock.pass(1000)
  assert.equal(lane.breaker(), 'closed')
  assert.equal(await counted('create', 'refused'), 10)
})

test('a provider that asks for fewer calls is there: no breaker opens for that, and away it would', async () => {
  const busy = laneWith({ answer: () => Promise.reject(new ProviderBusy('fewer', { asksForFewer: false })) })
  times(10, () => create(busy.lane))
  await busy.clock.pass(1000)
  assert.equal(busy.lane.breaker(), 'closed')
  assert.equal(await busy.counted('create', 'busy'), 10)
  const away = laneWith({ answer: () => Promise.reject(new RetryableFault('away')) })
  times(10, () => create(away.lane))
  await away.clock.pass(1000)
  assert.notEqual(away.lane.breaker(), 'closed')
})

test('a failure that the provider keeps under a key is no sign that it is away', async () => {
  let isAway = true
  const answer = () => Promise.reject(isAway ? new RetryableFault('away') : new KeptFailure('an old failure'))
  const { clock, lane } = laneWith({ answer })
  times(4, () => create(lane))
  await clock.pass(1000)
  assert.notEqual(lane.breaker(), 'closed')
  isAway = false
  await clock.pass(5000)
  times(1, () => create(lane))
  await clock.pass(100)
  assert.equal(lane.breaker(), 'closed', 'whoever tried met an old failure, and it was an answer')
})

test('a call that fails is not repeated', async () => {
  const { clock, lane, sent } = laneWith({ answer: () => Promise.reject(new RetryableFault('busy')) })
  const [call] = times(1, () => create(lane))
  await clock.pass(10_000)
  assert.ok((await call) instanceof RetryableFault)
  assert.equal(sent.length, 1)
})

test('the wait it tells is what those before take', async () => {
  const { clock, lane, sent } = laneWith({ perEndpoint: 20, total: 1000 })
  assert.equal(lane.waitMs('create'), 0)
  times(43, () => create(lane))
  const toldMs = lane.waitMs('create')
  assert.ok(toldMs >= 2000 && toldMs < 2100, `${toldMs}`)
  assert.equal(lane.waitMs('capture'), 0)
  times(1, () => create(lane))
  await clock.pass(5000)
  const { at } = sent.at(-1)!
  assert.ok(Math.abs(at - toldMs) <= 100, `told ${toldMs} ms, sent after ${at} ms`)
})

test('what passes through unchanged is the name, the key and the reading of webhooks', async () => {
  const { lane } = laneWith()
  assert.deepEqual([lane.name, lane.publishableKey, lane.isLive], ['played', 'pk', false])
  assert.equal(lane.readWebhook(Buffer.from('{}'), {}), null)
  const answered: Promise<Intent> = lane.retrieve('pi_1')
  await answered
})

test('"too many calls" rests its endpoint for a moment; another at work with the same call does not', async () => {
  for (const [asksForFewer, expected] of [
    [true, 2],
    [false, 5],
  ] as const) {
    const { clock, lane, sent } = laneWith({
      perEndpoint: 10,
      answer: () => Promise.reject(new ProviderBusy('busy', { asksForFewer })),
    })
    times(1, () => create(lane))
    await clock.pass(0)
    times(10, () => create(lane))
    await clock.pass(450)
    assert.ok(Math.abs(sent.length - expected) <= 1, `${sent.length} calls, asksForFewer ${asksForFewer}`)
    times(1, () => capture(lane))
    assert.equal(sent.at(-1)!.endpoint, 'capture', 'others do not wait')
  }
})

test('how long a call would wait counts what goes before it, and what is under way', async () => {
  const captures = laneWith({ perEndpoint: 25, total: 30 })
  times(300, () => capture(captures.lane))
  assert.ok(captures.lane.waitMs('create') >= 9000, `${captures.lane.waitMs('create')}`)

  let answer = () => {}
  const slow = laneWith({ concurrency: 2, answer: () => new Promise<void>(resolve => (answer = resolve)) })
  times(2, () => create(slow.lane))
  await slow.clock.pass(4000)
  answer()
  await slow.clock.pass(0)
  times(20, () => create(slow.lane))
  assert.ok(slow.lane.waitMs('create') > 1000, `${slow.lane.waitMs('create')}`)
  assert.equal(laneWith().lane.waitMs('create'), 0)
})
