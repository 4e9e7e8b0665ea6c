import type { Job } from '#platform/jobs/periodic.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { ReservationStore } from '../ports.ts'

const chunk = 500

/**
 * Tidies up holds that have run out. Nothing waits for it: a seat can be claimed, and a reservation reads as expired, from its
 * end on. Runs in every worker at once, because each skips what another works on; repeats until there is nothing left, so that
 * fifteen thousand that end in one second are gone within five.
 */
export function expiryJob({ store, metrics }: { store: Pick<ReservationStore, 'expireDue'>; metrics: Metrics }): Job {
  const expired = metrics.counter('holdfast_reservations_expired_total', 'Reservations ended by the sweeper.')
  return {
    name: 'expire-reservations',
    everyMs: 1000,
    async run() {
      const ended = await store.expireDue(chunk)
      expired.inc(ended)
      return ended === chunk ? 'more' : 'dry'
    },
  }
}
