import { isPassing } from '#kernel/faults.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import { Stumble } from './readers.ts'

/** Counters name what was reached; the rest is of no interest here. */
export function countedMetrics(reached: (what: string) => void): Metrics {
  const counter = (name: string) => ({
    inc(labels?: Record<string, string> | number) {
      const told = typeof labels === 'object' ? Object.values(labels).filter(value => value !== 'sandbox') : []
      reached([name.replace(/^holdfast_|_total$/g, ''), ...told].join(' ').trim())
    },
  })
  const idle = () => ({ set() {}, observe() {} })
  return { registry: null, counter, gauge: idle, histogram: idle } as unknown as Metrics
}

/** What the product reports as an error and no fault explains is a violation. */
export function watchfulLogger(violated: (what: string) => void): Logger {
  const quiet = () => {}
  const error = (fields: { err?: Error }, message: string) => {
    const { err } = fields
    if (err === undefined || isPassing(err)) return
    if (err.name === 'ProviderRefusal' || err instanceof Stumble) return
    violated(`${message}: ${err.stack}`)
  }
  return {
    error,
    warn: quiet,
    info: quiet,
    debug: quiet,
    trace: quiet,
    fatal: error,
    child: () => watchfulLogger(violated),
  } as never
}
