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

/** That a request is refused, and why. */
export type Denied = { code: ProblemCode; options?: ProblemOptions }

/** A whole answer; names of headers in lower case. */
export type Answer = { status: number; headers: [name: string, value: string][]; body: string }

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

/** The answer that says no. Serialised here: the members differ from code to code, and a schema describes only what they share. */
export function problemAnswer({ code, options = {} }: Denied, context: { baseUrl: string; requestId: string }): Answer {
  const problem = problemOf(code, context, options)
  const { status } = problem
  const headers: Answer['headers'] = [
    ['content-type', 'application/problem+json; charset=utf-8'],
    ['cache-control', 'private, no-store'],
  ]
  if (status === 503 || status === 429) headers.push(['retry-after', String(options.retryAfterSeconds ?? 1)])
  if (status === 401) headers.push(['www-authenticate', 'Bearer'])
  return { status, headers, body: JSON.stringify(problem) }
}

type Wrong = readonly { path: string; message: string }[]

/** What is wrong with members of a request that its schema cannot say, all at once. */
export function invalid(errors: Wrong): Denied {
  const detail = `${errors.map(({ path, message }) => `${path} ${message}`).join('; ')}.`
  return { code: 'invalid-request', options: { detail, extras: { errors } } }
}

export function sendInvalid(request: FastifyRequest, reply: FastifyReply, errors: Wrong) {
  const { code, options } = invalid(errors)
  return sendProblem(request, reply, code, options)
}

/** Answers with the problem of this code; the one way in which a route says no. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  code: ProblemCode,
  options: ProblemOptions = {},
) {
  const context = { baseUrl: request.server.publicUrl(), requestId: request.id }
  return sendAnswer(reply.header('x-request-id', request.id), problemAnswer({ code, options }, context))
}

export function sendAnswer(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  reply.status(status)
  for (const [name, value] of headers) reply.header(name, value)
  return reply.send(body)
}
