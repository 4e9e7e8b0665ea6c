import type { Clock } from '../clock.ts'

/** A clock that stands still until a test moves it; sleepers wake in the order of their time. */
export type ManualClock = Clock & { advance(ms: number): void }

export function manualClock(startMs = Date.UTC(2026, 10, 22, 10, 0, 0)): ManualClock {
  let elapsed = 0
  let sleepers: { at: number; wake: () => void }[] = []
  return {
    now: () => startMs + elapsed,
    monotonic: () => elapsed,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        sleepers.push({ at: elapsed + ms, wake: resolve })
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
      }),
    advance(ms) {
      elapsed += ms
      const due = sleepers.filter(sleeper => sleeper.at <= elapsed).sort((a, b) => a.at - b.at)
      sleepers = sleepers.filter(sleeper => sleeper.at > elapsed)
      for (const sleeper of due) sleeper.wake()
    },
  }
}
