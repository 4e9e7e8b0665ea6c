import type { Clock } from '#kernel/clock.ts'

/** So many at once, refilled evenly: `burst` in `perSeconds`. The name is what the headers tell. */
export type Limit = { name: string; burst: number; perSeconds: number }

export type Verdict = {
  allowed: boolean
  remaining: number /** until all of it is back */
  resetSeconds: number
  retryAfterSeconds: number
}

/** Counts what a key takes. In process now; a shared store can stand behind the same three calls. */
export interface RateLimiter {
  readonly limit: Limit
  take(key: string): Verdict
  /** Undoes a `take` that turned out to be harmless. */
  giveBack(key: string): void
}

/** Keys remembered at most. Beyond it the oldest are forgotten: a flood of keys costs accuracy, never memory. */
const keysMax = 50_000

/**
 * Generic cell rate algorithm: one number per key, the time at which its bucket is empty again. Exact, without windows at
 * whose edge twice the limit would pass.
 */
export function createRateLimiter(limit: Limit, clock: Clock, maxKeys = keysMax): RateLimiter {
  const intervalMs = (limit.perSeconds * 1000) / limit.burst
  const windowMs = limit.perSeconds * 1000
  const emptyAt = new Map<string, number>()

  return {
    limit,
    take(key) {
      const now = clock.monotonic()
      const filled = Math.max(emptyAt.get(key) ?? 0, now) + intervalMs
      const over = filled - now - windowMs
      // A rounding error of a microsecond must not refuse the last one of the burst.
      if (over > 0.001)
        return {
          allowed: false,
          remaining: 0,
          resetSeconds: seconds(filled - intervalMs - now),
          retryAfterSeconds: seconds(over),
        }
      emptyAt.delete(key)
      emptyAt.set(key, filled)
      if (emptyAt.size > maxKeys) forget(emptyAt, now, maxKeys)
      return {
        allowed: true,
        remaining: Math.floor(-over / intervalMs + 0.001),
        resetSeconds: seconds(filled - now),
        retryAfterSeconds: 0,
      }
    },
    giveBack(key) {
      const filled = emptyAt.get(key)
      if (filled !== undefined) emptyAt.set(key, filled - intervalMs)
    },
  }
}

/** First those whose bucket is empty, which changes nothing; then, in order of use, until a tenth is free. */
function forget(emptyAt: Map<string, number>, now: number, maxKeys: number): void {
  for (const [key, at] of emptyAt) if (at <= now) emptyAt.delete(key)
  for (const key of emptyAt.keys()) {
    if (emptyAt.size <= maxKeys * 0.9) break
    emptyAt.delete(key)
  }
}

/** Whole seconds, never too few. Rounded to the millisecond first: what a sum of fractions leaves behind is not a second. */
function seconds(ms: number): number {
  return Math.max(0, Math.ceil(Math.round(ms) / 1000))
}
