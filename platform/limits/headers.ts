import type { FastifyReply } from 'fastify'
import type { Limit, Verdict } from './gcra.ts'

/** Tells a limit and what is left of it (draft-ietf-httpapi-ratelimit-headers-11). */
export function tellLimit(reply: FastifyReply, limit: Limit, verdict: Verdict): void {
  reply.header('RateLimit-Policy', `"${limit.name}";q=${limit.burst};w=${limit.perSeconds}`)
  reply.header('RateLimit', `"${limit.name}";r=${verdict.remaining};t=${verdict.resetSeconds}`)
}
