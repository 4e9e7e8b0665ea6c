import type { Metrics } from '#platform/telemetry/metrics.ts'

export type MessageMetrics = ReturnType<typeof messageMetrics>

export function messageMetrics(metrics: Metrics) {
  const labels = ['consumer'] as const
  return {
    handled: metrics.counter('holdfast_messages_handled_total', 'Messages that had their effect', labels),
    repeated: metrics.counter(
      'holdfast_messages_repeated_total',
      'Messages dropped because they had had their effect',
      labels,
    ),
    failures: metrics.counter(
      'holdfast_message_failures_total',
      'Attempts to handle a message that failed on it',
      labels,
    ),
    parked: metrics.gauge('holdfast_messages_parked', 'Messages set aside until they can be handled', labels),
    lagRows: metrics.gauge(
      'holdfast_outbox_lag_rows',
      'Outbox rows the consumer has not read (counted up to 100,000)',
      labels,
    ),
    lagSeconds: metrics.gauge(
      'holdfast_outbox_lag_seconds',
      'Age of the oldest outbox row the consumer has not read',
      labels,
    ),
  }
}
