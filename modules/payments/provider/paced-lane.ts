import type { Clock } from '#kernel/clock.ts'
import { isPassing, RetryableFault } from '#kernel/faults.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import { KeptFailure, type PaymentProvider, ProviderBusy } from '../ports.ts'
import { Breaker, type BreakerState } from './breaker.ts'

export type LaneOptions = {
  clock: Clock
  metrics: Metrics
  /** Calls a second, to one endpoint and to all together. */
  perEndpoint?: number
  total?: number
  /** Calls under way at once: a provider that hangs must not take every connection and every buyer with it. */
  concurrency?: number
  queueMax?: number
  breaker?: Breaker
}

/** In the order in which they are sent when more wait than may go. */
const endpoints = ['capture', 'cancel', 'refund', 'create', 'retrieve', 'list', 'events'] as const
export type Endpoint = (typeof endpoints)[number]

export type PacedProvider = PaymentProvider & {
  /** How long a call queued now would wait, milliseconds. */
  waitMs(endpoint: Endpoint): number
  /** Calls a second that one endpoint takes. */
  readonly perEndpoint: number
  breaker(): BreakerState
}

type Waiting = { endpoint: Endpoint; queuedAt: number; send: () => Promise<unknown>; drop: (error: Error) => void }

/** What Stripe documents for a test account; a live one has more. */
const allowed = { perEndpoint: 25, total: 100 }
/** Counted by the second and at the other end, where calls come closer together than they were sent: at the limit itself some are too many. */
const headroom = 0.92

/** After "too many calls" its endpoint rests for so many calls: others use the account too, and asking on makes it worse. */
const busyPauseCalls = 5

/** Longer in the queue than this and nobody waits for the answer any more; the job that looks at payments does. */
const queuedMsMax = 20_000

/**
 * The one lane through which every call to the provider goes: paced to what it allows, the most urgent first, few at once, and none while
 * it is away. Nothing is repeated here: whoever asked knows what a repetition means.
 */
export function paced(provider: PaymentProvider, options: LaneOptions): PacedProvider {
  const { clock, metrics, concurrency = 32, queueMax = 2000 } = options
  const { perEndpoint = allowed.perEndpoint * headroom, total = allowed.total * headroom } = options
  const breaker = options.breaker ?? new Breaker({ clock })
  const calls = metrics.counter('holdfast_provider_calls_total', 'Calls to the payment provider by outcome.', [
    'endpoint',
    'outcome',
  ])
  const duration = metrics.histogram(
    'holdfast_provider_call_duration_seconds',
    'From sending a call to the payment provider to its answer.',
    [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    ['endpoint'],
  )
  const queues = new Map<Endpoint, Waiting[]>(endpoints.map(endpoint => [endpoint, []]))
  const rates = new Map<Endpoint, Pace>(endpoints.map(endpoint => [endpoint, new Pace(perEndpoint, clock)]))
  const all = new Pace(total, clock)
  let underWay = 0
  /** How long a call takes of late. */
  let callMs = 0
  let waking = false
  metrics.gauge('holdfast_provider_lane_depth', 'Calls that wait for the payment provider.', ['endpoint'], gauge => {
    for (const [endpoint, queue] of queues) gauge.set({ endpoint }, queue.length)
  })
  metrics.gauge('holdfast_provider_breaker_open', '1 while the payment provider counts as away.', [], gauge =>
    gauge.set(breaker.state === 'closed' ? 0 : 1),
  )

  function run<T>(endpoint: Endpoint, work: () => Promise<T>): Promise<T> {
    const queue = queues.get(endpoint)!
    if (breaker.state === 'open') return away(endpoint)
    if (queue.length >= queueMax) {
      calls.inc({ endpoint, outcome: 'queue-full' })
      return Promise.reject(new RetryableFault('too many calls wait for the payment provider'))
    }
    return new Promise<T>((resolve, reject) => {
      const send = () => observed(endpoint, work).then(resolve, reject)
      queue.push({ endpoint, queuedAt: clock.monotonic(), send, drop: reject })
      pump()
    })
  }

  function away<T>(endpoint: Endpoint): Promise<T> {
    calls.inc({ endpoint, outcome: 'away' })
    return Promise.reject(new RetryableFault('the payment provider is away', { retryAfterSeconds: 5 }))
  }

  function pump(): void {
    for (;;) {
      const next = nextCall()
      if (next === null) return
      if (!breaker.admits()) {
        void away(next.endpoint).catch(next.drop)
        continue
      }
      rates.get(next.endpoint)!.take()
      all.take()
      underWay++
      void next.send().finally(() => {
        underWay--
        pump()
      })
    }
  }

  /** The most urgent call that may go now; when one has to wait for its turn, wakes up for it. */
  function nextCall(): Waiting | null {
    if (underWay >= concurrency) return null
    let soonest = Number.POSITIVE_INFINITY
    for (const endpoint of endpoints) {
      const queue = queues.get(endpoint)!
      while (queue.length > 0 && clock.monotonic() - queue[0]!.queuedAt > queuedMsMax) {
        calls.inc({ endpoint, outcome: 'too-late' })
        queue.shift()!.drop(new RetryableFault('the call waited too long and was not sent'))
      }
      if (queue.length === 0) continue
      const waitMs = Math.max(rates.get(endpoint)!.waitMs(), all.waitMs())
      if (waitMs === 0) return queue.shift()!
      soonest = Math.min(soonest, waitMs)
    }
    if (soonest < Number.POSITIVE_INFINITY && !waking) {
      waking = true
      void clock.sleep(soonest).then(() => {
        waking = false
        pump()
      })
    }
    return null
  }

  /** Those of its own queue, and all that go before it: in the lane, and among those that are under way at most. */
  function waitMs(endpoint: Endpoint): number {
    const ahead = endpoints.slice(0, endpoints.indexOf(endpoint) + 1)
    const waiting = ahead.reduce((sum, before) => sum + queues.get(before)!.length, 0)
    const byRate = Math.max(queues.get(endpoint)!.length / perEndpoint, waiting / total) * 1000
    const pausedMs = Math.max(rates.get(endpoint)!.waitMs(), all.waitMs())
    const byRoom = underWay < concurrency ? 0 : ((waiting + 1) / concurrency) * callMs
    return Math.max(byRate + pausedMs, byRoom)
  }

  async function observed<T>(endpoint: Endpoint, work: () => Promise<T>): Promise<T> {
    const sentAt = clock.monotonic()
    try {
      const result = await work()
      breaker.answered()
      calls.inc({ endpoint, outcome: 'answered' })
      return result
    } catch (error) {
      const isBusy = error instanceof ProviderBusy
      if (isBusy && error.asksForFewer) rates.get(endpoint)!.pause((busyPauseCalls / perEndpoint) * 1000)
      const isFailure = !isBusy && isPassing(error)
      if (isFailure && !(error instanceof KeptFailure)) breaker.failed()
      else breaker.answered()
      calls.inc({ endpoint, outcome: isFailure ? 'failed' : isBusy ? 'busy' : 'refused' })
      throw error
    } finally {
      const tookMs = clock.monotonic() - sentAt
      callMs += (tookMs - callMs) / 16
      duration.observe({ endpoint }, tookMs / 1000)
    }
  }

  return {
    name: provider.name,
    installation: provider.installation,
    id: provider.id,
    publishableKey: provider.publishableKey,
    isLive: provider.isLive,
    create: command => run('create', () => provider.create(command)),
    retrieve: ref => run('retrieve', () => provider.retrieve(ref)),
    capture: (ref, command) => run('capture', () => provider.capture(ref, command)),
    cancel: ref => run('cancel', () => provider.cancel(ref)),
    refund: (ref, command) => run('refund', () => provider.refund(ref, command)),
    refundsOf: ref => run('list', () => provider.refundsOf(ref)),
    list: query => run('list', () => provider.list(query)),
    events: query => run('events', () => provider.events(query)),
    readWebhook: provider.readWebhook,
    waitMs,
    perEndpoint,
    breaker: () => breaker.state,
  }
}

/**
 * Calls a second, evenly: a call may go when its turn has come, and a tenth of a second's worth may go at once, so that a single call never
 * waits.
 */
class Pace {
  readonly #gapMs: number
  readonly #clock: Pick<Clock, 'monotonic'>
  #next = 0

  constructor(perSecond: number, clock: Pick<Clock, 'monotonic'>) {
    this.#gapMs = 1000 / perSecond
    this.#clock = clock
  }

  waitMs(): number {
    return Math.max(0, this.#next - this.#clock.monotonic() - 100)
  }

  /** Asked for patience: none goes for this long. */
  pause(ms: number): void {
    this.#next = Math.max(this.#next, this.#clock.monotonic() + 100 + ms)
  }

  take(): void {
    this.#next = Math.max(this.#next, this.#clock.monotonic()) + this.#gapMs
  }
}
