import type { RouteOptions } from 'fastify'
import { type KnownProblem, type ProblemCode, problems } from '#contracts/problems.ts'

/** What all problems have in common; some codes bring members of their own. */
export const problemSchema = {
  type: 'object',
  description: 'RFC 9457. Some codes bring members of their own.',
  required: ['type', 'title', 'status', 'detail', 'code', 'request_id'],
  properties: {
    type: { type: 'string', format: 'uri', description: 'The address of a page that explains the code.' },
    title: { type: 'string' },
    status: { type: 'integer', description: 'Of the answer.' },
    detail: { type: 'string', description: 'What to do, in a sentence.' },
    code: { type: 'string', description: 'For programs. Codes may be added.' },
    request_id: { type: 'string', description: 'Under which it is logged; also in `X-Request-Id`.' },
  },
  additionalProperties: true,
}

/** A problem of this code, whole, as it comes over the wire. */
export function exampleOf(code: ProblemCode, publicUrl = 'https://tickets.example.org'): object {
  const { status, title, advice, example }: KnownProblem = problems[code]
  return {
    type: `${publicUrl}/problems/${code}`,
    title,
    status,
    detail: advice,
    code,
    request_id: '4RPtmcfJ9qq6',
    ...example,
  }
}

/** One for each code, as an Example Object of OpenAPI. */
export const problemExamples = Object.fromEntries(
  (Object.keys(problems) as ProblemCode[]).map(code => [
    code,
    { summary: problems[code].title, value: exampleOf(code) },
  ]),
)

/** The refusals of a route, by status, as responses of OpenAPI. */
export function problemResponses(route: RouteOptions): Record<string, object> {
  const byStatus = Map.groupBy(codesOf(route), code => problems[code].status)
  const listed = Array.from(byStatus, ([status, codes]) => [status, responseOf(codes)] as const)
  return { ...Object.fromEntries(listed), default: { ...content({}), description: 'Any other problem.' } }
}

function codesOf({ config, schema, method, url }: RouteOptions): Set<ProblemCode> {
  const { access = 'public', problems: own = [] } = config ?? {}
  const codes = new Set<ProblemCode>(own)
  if (schema?.body || schema?.querystring) codes.add('invalid-request')
  // Whoever sends a body is told what is wrong with it, also where none is asked for.
  if (method !== 'GET') codes.add('invalid-request').add('body-too-large').add('unsupported-media-type')
  // Also where none is needed: a token that came along is good, or the request is refused.
  codes.add('unauthenticated').add('invalid-token')
  if (access !== 'public' && method !== 'GET') codes.add('cross-site-request')
  if (access !== 'public' && access !== 'any') codes.add('forbidden')
  // What cannot be decoded, or is far too long, is an address of nothing.
  if (url.includes(':')) codes.add('not-found')
  return codes.add('overloaded').add('unavailable')
}

function responseOf(codes: ProblemCode[]): object {
  return {
    ...content({ examples: Object.fromEntries(codes.map(code => [code, problemExamples[code]])) }),
    description: codes.map(code => `\`${code}\`: ${problems[code].title.toLowerCase()}.`).join(' '),
  }
}

function content(more: object): object {
  return { content: { 'application/problem+json': { schema: problemSchema, ...more } } }
}
