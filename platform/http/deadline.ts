import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '#kernel/clock.ts'
import { sendProblem } from './problem.ts'

const tickMs = 250

/**
 * Answers 503 to requests that have had none for `deadlineMs`. One coarse ticker instead of a timer per request: requests
 * begin in order, so a tick looks only at the oldest.
 */
export function startDeadlines({ clock, deadlineMs }: { clock: Clock; deadlineMs: number }) {
  const open = new Map<FastifyRequest, FastifyReply>()
  const timer = setInterval(() => {
    const latest = clock.monotonic() - deadlineMs
    for (const [request, reply] of open) {
      if (request.startedAt > latest) break
      open.delete(request)
      if (!reply.sent)
        sendProblem(request, reply, 'unavailable', {
          retryAfterSeconds: 2,
          detail: `No answer could be given within ${deadlineMs / 1000} s. Repeat the request with the same Idempotency-Key.`,
        })
    }
  }, tickMs)
  timer.unref()
  return {
    watch: (request: FastifyRequest, reply: FastifyReply) => void open.set(request, reply),
    forget: (request: FastifyRequest) => void open.delete(request),
    stop: () => clearInterval(timer),
  }
}
