/**
 * Process time. It may decide how long to wait and how old a cache is; it never decides whether a hold has ended:
 * that is the database's clock (`holdfast.clock()`).
 */
export interface Clock {
  /** Wall clock, milliseconds since 1970 UTC. */
  now(): number
  /** Milliseconds from an arbitrary start that never go back; for durations. */
  monotonic(): number
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, ms)
      signal?.addEventListener('abort', onAbort, { once: true })
    }),
}
