import { createHmac } from 'node:crypto'
import type { Delivery } from './objects.ts'
import type { Steering } from './steering.ts'

/** Between attempts, as Stripe does in live mode: soon, then later and later, for three days. */
const retryAfterMs = [
  60_000,
  5 * 60_000,
  30 * 60_000,
  2 * 3_600_000,
  5 * 3_600_000,
  10 * 3_600_000,
  12 * 3_600_000,
  12 * 3_600_000,
  12 * 3_600_000,
  12 * 3_600_000,
]

/** The deliveries of an event: one, or what is asked for. */
export function plannedDeliveries(
  eventId: string,
  { steering, now, fraction }: { steering: Steering; now: number; fraction: () => number },
): Delivery[] {
  const { delay_ms, copies, drop_share, reorder_ms } = steering.webhooks
  const between = ([least, most]: [number, number]) => least + fraction() * (most - least)
  const isDropped = fraction() < drop_share
  return Array.from({ length: Math.round(between(copies)) }, (_, i) => ({
    id: `${eventId}.${i}`,
    event_id: eventId,
    due_at: now + between(delay_ms) + fraction() * reorder_ms,
    attempt: 0,
    state: isDropped ? ('dropped' as const) : ('waiting' as const),
    last_status: null,
  }))
}

/** After an attempt: delivered with any 2xx, otherwise again later, until there is no later. */
export function afterAttempt(delivery: Delivery, status: number | null, now: number): Delivery {
  const attempt = delivery.attempt + 1
  if (status !== null && status >= 200 && status < 300)
    return { ...delivery, attempt, state: 'delivered', last_status: status }
  const pause = retryAfterMs[delivery.attempt]
  return pause === undefined
    ? { ...delivery, attempt, state: 'given-up', last_status: status }
    : { ...delivery, attempt, due_at: now + pause, last_status: status }
}

/** What has still to go out, by when it is due: a hundred thousand of them are not looked through for the next one. */
export class DueDeliveries {
  /** A binary heap: none is due before the one at half of its place. */
  readonly #heap: Delivery[] = []

  add(delivery: Delivery): void {
    const heap = this.#heap
    let at = heap.push(delivery) - 1
    for (let up = (at - 1) >> 1; at > 0 && heap[up]!.due_at > delivery.due_at; up = (at - 1) >> 1) {
      heap[at] = heap[up]!
      at = up
    }
    heap[at] = delivery
  }

  /** The one that has been due for longest, taken out; undefined if none is due. */
  take(now: number): Delivery | undefined {
    const heap = this.#heap
    const first = heap[0]
    if (first === undefined || first.due_at > now) return undefined
    const last = heap.pop()!
    if (heap.length === 0) return first
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      if (down >= heap.length) break
      if (down + 1 < heap.length && heap[down + 1]!.due_at < heap[down]!.due_at) down++
      if (heap[down]!.due_at >= last.due_at) break
      heap[at] = heap[down]!
      at = down
    }
    heap[at] = last
    return first
  }
}

/** `Stripe-Signature`: one v1 for each secret that is good at the time, so that a secret can be changed without a gap. */
export function signatureHeader(body: string, secrets: readonly string[], now: number): string {
  const t = Math.floor(now / 1000)
  const each = secrets.map(secret => `v1=${createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')}`)
  return [`t=${t}`, ...each].join(',')
}
