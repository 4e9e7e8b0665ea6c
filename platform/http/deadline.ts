import type { Clock } from '#kernel/clock.ts'
import type { Denied } from './problem.ts'

const tickMs = 250

type Watched = { startedAt: number; tooLate: (denied: Denied) => void }

/**
 * Has requests answered 503 that have had no answer for `deadlineMs`. One coarse ticker instead of a timer per request: requests
 * begin in order, so a tick looks only at the oldest.
 */
export function startDeadlines({ clock, deadlineMs }: { clock: Clock; deadlineMs: number }) {
  const open = new Map<object, Watched>()
  const denied: Denied = {
    code: 'unavailable',
    options: {
      retryAfterSeconds: 2,
      detail: `No answer could be given within ${deadlineMs / 1000} s. Repeat the request with the same Idempotency-Key.`,
    },
  }
  const timer = setInterval(() => {
    const latest = clock.monotonic() - deadlineMs
    for (const [request, { startedAt, tooLate }] of open) {
      if (startedAt > latest) break
      open.delete(request)
      tooLate(denied)
    }
  }, tickMs)
  timer.unref()
  return {
    watch: (request: object, watched: Watched) => void open.set(request, watched),
    forget: (request: object) => void open.delete(request),
    stop: () => clearInterval(timer),
  }
}

export type Deadlines = ReturnType<typeof startDeadlines>
