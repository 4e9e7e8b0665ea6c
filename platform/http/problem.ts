import type { FastifyReply, FastifyRequest } from 'fastify'
import { type ProblemCode, problems } from '#contracts/problems.ts'

/** RFC 9457 body; `extras` are the members that only problems of this code have. */
export type Problem = {
  type: string
  title: string
  status: number
  detail: string
  code: ProblemCode
  request_id: string
  [extra: string]: unknown
}

export type ProblemOptions = { detail?: string; extras?: Extras; retryAfterSeconds?: number }

/** Members of one code. None may stand in the place of one that all problems have: `status` is always that of the answer. */
type Extras = Record<string, unknown> & {
  [Common in 'type' | 'title' | 'status' | 'detail' | 'code' | 'request_id']?: never
}

/** Answers with the problem of this code; the one way in which a route says no. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  code: ProblemCode,
  options: ProblemOptions = {},
) {
  const known = problems[code]
  const body: Problem = {
    type: `${request.server.publicUrl()}/problems/${code}`,
    title: known.title,
    status: known.status,
    detail: options.detail ?? known.advice,
    code,
    request_id: request.id,
    ...options.extras,
  }
  if (known.status === 503 || known.status === 429) reply.header('Retry-After', String(options.retryAfterSeconds ?? 1))
  if (known.status === 401) reply.header('WWW-Authenticate', 'Bearer')
  // Serialised here: the members differ from code to code, and response schemas describe only what they share.
  return reply
    .status(known.status)
    .header('X-Request-Id', request.id)
    .header('Content-Type', 'application/problem+json; charset=utf-8')
    .header('Cache-Control', 'private, no-store')
    .serializer(JSON.stringify)
    .send(body)
}
