import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'

export type Cacheable = {
  /** Quoted, as it goes into the header. */
  etag: string
  cacheControl: string
  /** JSON unless said otherwise. A function is called only when the client has no good copy. */
  body: string | Buffer | (() => string | Buffer | Readable)
  contentType?: string
  /** As the body is encoded; absent: as it is. */
  encoding?: string
  /** Further headers, also of a 304; names in lower case. */
  headers?: readonly (readonly [name: string, value: string])[]
}

/** Answers a GET that may be kept: 304 without a body when the client's copy is still the same. */
export function sendCacheable(request: FastifyRequest, reply: FastifyReply, answer: Cacheable): FastifyReply {
  const isKept = hasSame(request.headers, answer)
  for (const [name, value] of headersOf(answer, isKept)) reply.header(name, value)
  if (isKept) return reply.status(304).send()
  return reply.send(typeof answer.body === 'function' ? answer.body() : answer.body)
}

export function hasSame(headers: IncomingHttpHeaders, { etag }: Cacheable): boolean {
  return isSame(headers['if-none-match'], etag)
}

export function* headersOf(answer: Cacheable, isKept: boolean): Generator<readonly [name: string, value: string]> {
  yield ['etag', answer.etag]
  yield ['cache-control', answer.cacheControl]
  if (answer.headers !== undefined) yield* answer.headers
  if (isKept) return
  if (answer.encoding !== undefined) yield ['content-encoding', answer.encoding]
  yield ['content-type', answer.contentType ?? 'application/json; charset=utf-8']
}

/** Whether `If-None-Match` names this ETag. Weak comparison, as RFC 9110 section 13.1.2 asks: a proxy may have made it weak. */
export function isSame(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch === etag || ifNoneMatch.trim() === '*') return true
  const bare = etag.replace(/^W\//, '')
  return ifNoneMatch.split(',').some(one => one.trim().replace(/^W\//, '') === bare)
}
