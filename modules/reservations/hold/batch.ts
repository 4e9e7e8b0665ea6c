import { assert } from '#kernel/assert.ts'
import type { Clock } from '#kernel/clock.ts'
import { isPassing, RetryableFault } from '#kernel/faults.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { HoldOutcome, HoldRequest, ReservationStore } from '../ports.ts'
import { createLine } from './line.ts'

/**
 * Holds that arrive while a commit is under way go into the next one: one round trip, one fsync, many holds. The batch clocks
 * itself: an idle lane takes what there is at the end of the current turn of the event loop, a busy system takes more at a
 * time. There is no timer.
 *
 *   in line -> queued                               one batch is ready, and one more under way in each lane
 *   queued -> sent -> committed | refused           the database answered
 *          -> dropped                               the client has gone, or it waited too long: never sent
 *                  -> unknown -> sent again         same ids: the unique keys decide what happened
 *                  -> failed                        something in the batch is bad: it is halved until that one fails alone
 */
export type HoldBatcher = {
  /** To be asked before a hold is begun: see `Line.turn`. Rejects with RetryableFault. */
  turn(isGone: () => boolean): Promise<void> | null
  /**
   * Resolves with the store's outcome. Rejects with RetryableFault when the hold was not or may not have been made; the
   * caller's idempotency key finds out.
   */
  submit(request: HoldRequest, options?: { isGone?: () => boolean }): Promise<HoldOutcome>
  /** Batches have been large within the last second: work that can wait should. */
  isBusy(): boolean
  /** Resolves when nothing is queued or under way. */
  drained(): Promise<void>
}

export type HoldBatcherOptions = {
  store: Pick<ReservationStore, 'holdBatch'>
  clock: Clock
  metrics: Metrics
  logger: Logger
  /** Batches under way at once. */
  lanes: number
  batchMax?: number
  queueMax?: number
  /** Runs `work` once all that has just come in is queued. Default: at the end of this turn of the event loop. */
  atEndOfTurn?: (work: () => void) => void
}

type Entry = {
  request: HoldRequest
  queuedAt: number
  isGone: () => boolean
  resolve: (outcome: HoldOutcome) => void
  reject: (error: unknown) => void
}

/** Longer in the line or in the queue than this and the answer would come too late to be of use. */
const queuedMsMax = 2000
/** How long a batch whose fate is unknown is sent again. Below the deadline of a request. */
const unknownMsMax = 7000
const unknownPauseMs = 100
/** Below this the database has time for others. Between two large batches the queue is short, so the last second counts. */
const largeBatch = 32

export function createHoldBatcher(options: HoldBatcherOptions): HoldBatcher {
  const { store, clock, metrics, logger, lanes, batchMax = 256, queueMax = 4000, atEndOfTurn = setImmediate } = options
  const size = metrics.histogram(
    'holdfast_hold_batch_size',
    'Holds sent in one batch.',
    [1, 2, 5, 10, 25, 50, 100, 256],
  )
  const duration = metrics.histogram(
    'holdfast_hold_batch_duration_seconds',
    'From sending a batch to its answer.',
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
  )
  const dropped = metrics.counter('holdfast_hold_dropped_total', 'Holds never sent, by reason.', ['reason'])
  const repeated = metrics.counter(
    'holdfast_hold_batch_repeated_total',
    'Batches sent again because their fate was unknown.',
  )
  metrics.gauge('holdfast_hold_queue', 'Holds waiting for a batch.', [], gauge => gauge.set(queue.length + line.length))

  const queue: Entry[] = []
  let busyLanes = 0
  let lastLargeAt = Number.NEGATIVE_INFINITY
  let scheduled = false
  const whenDrained: (() => void)[] = []
  const line = createLine({
    room: () => batchMax - queue.length,
    lengthMax: queueMax,
    waitMsMax: queuedMsMax,
    clock,
    atEndOfTurn,
    giveUp,
  })

  function submit(request: HoldRequest, { isGone = () => false } = {}): Promise<HoldOutcome> {
    if (queue.length >= queueMax) return Promise.reject(giveUp('queue-full'))
    return new Promise((resolve, reject) => {
      queue.push({ request, queuedAt: clock.monotonic(), isGone, resolve, reject })
      schedule()
    })
  }

  /** At the end of this turn of the event loop, so that all requests the sockets brought in it travel together. */
  function schedule(): void {
    if (scheduled || busyLanes >= lanes || queue.length === 0) return
    scheduled = true
    atEndOfTurn(() => {
      scheduled = false
      const entries = take()
      if (entries.length > 0) void run(entries)
      schedule()
      line.moveOn()
      tellDrained()
    })
  }

  async function run(entries: Entry[]): Promise<void> {
    busyLanes++
    if (entries.length >= largeBatch) lastLargeAt = clock.monotonic()
    try {
      await send(entries)
    } finally {
      busyLanes--
      schedule()
      tellDrained()
    }
  }

  function tellDrained(): void {
    if (busyLanes === 0 && queue.length === 0) for (const resolve of whenDrained.splice(0)) resolve()
  }

  /** The next batch in arrival order: one request a user and event, without those nobody waits for. */
  function take(): Entry[] {
    const taken: Entry[] = []
    const left: Entry[] = []
    const users = new Set<string>()
    const latest = clock.monotonic() - queuedMsMax
    let next = 0
    // In a rush many more wait than fit: who comes after a full batch is looked at when it is their turn.
    for (; next < queue.length && taken.length < batchMax; next++) {
      const entry = queue[next]!
      const user = `${entry.request.eventNo} ${entry.request.userId}`
      if (entry.queuedAt < latest) entry.reject(giveUp('too-late'))
      else if (entry.isGone()) entry.reject(giveUp('client-gone'))
      else if (users.has(user)) left.push(entry)
      else {
        users.add(user)
        taken.push(entry)
      }
    }
    queue.splice(0, next, ...left)
    return taken
  }

  function giveUp(reason: 'queue-full' | 'too-late' | 'client-gone'): RetryableFault {
    dropped.inc({ reason })
    const why = reason === 'queue-full' ? 'too many holds are waiting' : 'the hold waited too long and was not tried'
    return new RetryableFault(why, { retryAfterSeconds: 1 })
  }

  /** Every entry ends here: resolved, or rejected with the fault that is its own. */
  async function send(entries: Entry[]): Promise<void> {
    const sorted = entries.toSorted(byEventAndUser)
    const requests = sorted.map(entry => entry.request)
    size.observe(requests.length)
    const startedAt = clock.monotonic()
    try {
      const { outcomes } = await holdUntilKnown(requests)
      assert(outcomes.length === sorted.length, 'a batch has one outcome for each request')
      sorted.forEach((entry, i) => {
        entry.resolve(outcomes[i]!)
      })
    } catch (error) {
      if (isPassing(error) || sorted.length === 1) {
        for (const entry of sorted) entry.reject(error)
        return
      }
      logger.error({ err: error, holds: sorted.length }, 'a hold batch failed; halving it')
      const middle = sorted.length >> 1
      await send(sorted.slice(0, middle))
      await send(sorted.slice(middle))
    } finally {
      duration.observe((clock.monotonic() - startedAt) / 1000)
    }
  }

  async function holdUntilKnown(requests: HoldRequest[]) {
    const giveUpAt = clock.monotonic() + unknownMsMax
    for (;;) {
      try {
        return await store.holdBatch(requests)
      } catch (error) {
        const mayPass = isPassing(error)
        if (!mayPass || clock.monotonic() + unknownPauseMs > giveUpAt) throw error
        repeated.inc()
        await clock.sleep(unknownPauseMs)
      }
    }
  }

  return {
    turn: line.turn,
    submit,
    isBusy: () => clock.monotonic() - lastLargeAt < 1000,
    drained: () =>
      busyLanes === 0 && queue.length === 0 ? Promise.resolve() : new Promise(resolve => whenDrained.push(resolve)),
  }
}

/** The documented lock order. Ids compare as text because they are of one length and one alphabet. */
function byEventAndUser(a: Entry, b: Entry): number {
  return a.request.eventNo - b.request.eventNo || (a.request.userId < b.request.userId ? -1 : 1)
}
