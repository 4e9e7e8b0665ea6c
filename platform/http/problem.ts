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

export function problemOf(
  code: ProblemCode,
  { baseUrl, requestId }: { baseUrl: string; requestId: string },
  { detail, extras }: ProblemOptions = {},
): Problem {
  const { title, status, advice } = problems[code]
  const type = `${baseUrl}/problems/${code}`
  return { type, title, status, detail: detail ?? advice, code, request_id: requestId, ...extras }
}

/** What is wrong with members of a request that its schema cannot say, all at once. */
export function sendInvalid(
  request: FastifyRequest,
  reply: FastifyReply,
  errors: readonly { path: string; message: string }[],
) {
  const detail = `${errors.map(({ path, message }) => `${path} ${message}`).join('; ')}.`
  return sendProblem(request, reply, 'invalid-request', { detail, extras: { errors } })
}

/** Answers with the problem of this code; the one way in which a route says no. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  code: ProblemCode,
  options: ProblemOptions = {},
) {
  const problem = problemOf(code, { baseUrl: request.server.publicUrl(), requestId: request.id }, options)
  const { status } = problem
  if (status === 503 || status === 429) reply.header('Retry-After', String(options.retryAfterSeconds ?? 1))
  if (status === 401) reply.header('WWW-Authenticate', 'Bearer')
  // Serialised here: the members differ from code to code, and response schemas describe only what they share.
  return reply
    .status(status)
    .header('X-Request-Id', request.id)
    .header('Content-Type', 'application/problem+json; charset=utf-8')
    .header('Cache-Control', 'private, no-store')
    .serializer(JSON.stringify)
    .send(problem)
}
