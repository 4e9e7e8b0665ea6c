import type { Clock } from '#kernel/clock.ts'
import { latencyBuckets, type Metrics } from '#platform/telemetry/metrics.ts'
import type { HoldSeats } from './hold-seats.ts'

/** Counts every hold by its outcome and measures the winners, around the use case and not in it. */
export function withHoldMetrics(
  holdSeats: HoldSeats,
  { clock, metrics }: { clock: Clock; metrics: Metrics },
): HoldSeats {
  const outcomes = metrics.counter(
    'holdfast_holds_total',
    'Hold attempts by outcome: held, replayed, failed, or the refusal. Those turned away in line were not begun.',
    ['outcome'],
  )
  const latency = metrics.histogram(
    'holdfast_hold_duration_seconds',
    'From the beginning of a hold attempt to its commit, without the time in line.',
    latencyBuckets,
  )
  return async command => {
    const startedAt = clock.monotonic()
    let outcome = 'failed'
    try {
      const answer = await holdSeats(command)
      outcome = !answer.ok ? answer.code : answer.replayed ? 'replayed' : 'held'
      return answer
    } finally {
      outcomes.inc({ outcome })
      if (outcome === 'held') latency.observe((clock.monotonic() - startedAt) / 1000)
    }
  }
}
