import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { CheckoutCounts } from './ports.ts'

export function checkoutMetrics(metrics: Metrics): CheckoutCounts {
  return {
    outcomes: metrics.counter('holdfast_payments_total', 'Payments by what became of them and why.', [
      'provider',
      'outcome',
      'reason',
    ]),
    discrepancies: metrics.counter(
      'holdfast_payment_discrepancies_total',
      'What the provider says and our record does not explain. Each needs a person.',
      ['kind'],
    ),
    fetched: metrics.counter(
      'holdfast_provider_events_fetched_total',
      'Events found in the list of the provider that no webhook had brought.',
    ),
    holdToPaid: metrics.histogram(
      'holdfast_hold_to_paid_seconds',
      'From the hold to the sale.',
      [15, 30, 60, 120, 300, 600, 900, 1800],
    ),
    settleLag: metrics.histogram(
      'holdfast_settle_lag_seconds',
      'From the arrival of an event of the provider to its effect.',
      [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300],
    ),
  }
}
