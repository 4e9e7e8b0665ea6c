import type { Clock } from '#kernel/clock.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/** What a request is worth when not all can be served, from the most to the least. */
export const trafficClasses = ['operations', 'webhook', 'pay', 'hold', 'join', 'browse', 'reports'] as const
export type TrafficClass = (typeof trafficClasses)[number]

/** The share of the room that may be full before a class is turned away. */
const fullAt: Record<TrafficClass, number> = {
  operations: Number.POSITIVE_INFINITY,
  webhook: 1,
  pay: 0.95,
  hold: 0.85,
  join: 0.7,
  browse: 0.6,
  reports: 0.4,
}

/** Requests under way at once. More than the event loop answers within the latency target only makes all of them late. */
const roomMax = 1600
const loopLagMaxMs = 250
const lagTickMs = 50

/**
 * Turns requests away before their body is read, by class. Two signals: requests under way, and how late the event loop
 * runs; the second sees what the first cannot, work queued below us in the sockets.
 */
export function createShedding(metrics: Metrics, clock: Clock) {
  const shed = metrics.counter('holdfast_http_shed_total', 'Requests turned away before their body was read.', [
    'class',
  ])
  const underWay = new Map<TrafficClass, number>(trafficClasses.map(name => [name, 0]))
  let total = 0
  let lagMs = 0
  let last = clock.monotonic()
  const timer = setInterval(() => {
    const now = clock.monotonic()
    lagMs = 0.7 * lagMs + 0.3 * Math.max(0, now - last - lagTickMs)
    last = now
  }, lagTickMs)
  timer.unref()
  metrics.gauge('holdfast_http_under_way', 'Requests under way.', ['class'], gauge => {
    for (const [name, count] of underWay) gauge.set({ class: name }, count)
  })
  metrics.gauge('holdfast_event_loop_lag_seconds', 'How late timers run, smoothed.', [], gauge =>
    gauge.set(lagMs / 1000),
  )

  return {
    admit(traffic: TrafficClass): boolean {
      const load = Math.max(total / roomMax, lagMs / loopLagMaxMs)
      const admitted = load < fullAt[traffic]
      if (!admitted) shed.inc({ class: traffic })
      total++
      underWay.set(traffic, underWay.get(traffic)! + 1)
      return admitted
    },
    done(traffic: TrafficClass): void {
      total--
      underWay.set(traffic, underWay.get(traffic)! - 1)
    },
    stop: () => clearInterval(timer),
  }
}
