import type { Clock } from '#kernel/clock.ts'
import type { Denied } from './problem.ts'

const tickMs = 250
const nowhere = -1

/** A request that has had no answer yet. */
export type Watched = {
  readonly startedAt: number
  readonly tooLate: (denied: Denied) => void
  /** Where it stands among all others. */
  place: number
}

/**
 * Has requests answered 503 that have had no answer for `deadlineMs`: one coarse ticker instead of a timer per request.
 *
 * They stand in an array and know their places: the discarded tables of a Map would keep finished requests alive
 * (docs/adr/0020-what-is-dead-lets-go.md).
 */
export function startDeadlines({ clock, deadlineMs }: { clock: Clock; deadlineMs: number }) {
  const open: Watched[] = []
  const denied: Denied = {
    code: 'unavailable',
    options: {
      retryAfterSeconds: 2,
      detail: `No answer could be given within ${deadlineMs / 1000} s. Repeat the request with the same Idempotency-Key.`,
    },
  }

  function watch(startedAt: number, tooLate: Watched['tooLate']): Watched {
    const watched = { startedAt, tooLate, place: open.length }
    open.push(watched)
    return watched
  }

  /** The last one takes its place. */
  function forget(watched: Watched): void {
    if (watched.place === nowhere) return
    const last = open.pop()!
    if (last !== watched) {
      open[watched.place] = last
      last.place = watched.place
    }
    watched.place = nowhere
  }

  const timer = setInterval(() => {
    const latest = clock.monotonic() - deadlineMs
    for (const late of open.filter(({ startedAt }) => startedAt <= latest)) {
      forget(late)
      late.tooLate(denied)
    }
  }, tickMs)
  timer.unref()
  return { watch, forget, stop: () => clearInterval(timer) }
}

export type Deadlines = ReturnType<typeof startDeadlines>
