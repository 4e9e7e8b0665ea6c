import type { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'

export type Cacheable = {
  /** Quoted, as it goes into the header. */
  etag: string
  cacheControl: string
  /** JSON unless said otherwise. A function is called only when the client has no good copy. */
  body: string | Buffer | (() => string | Buffer | Readable)
  contentType?: string
}

/** Answers a GET that may be kept: 304 without a body when the client's copy is still the same. */
export function sendCacheable(request: FastifyRequest, reply: FastifyReply, answer: Cacheable): FastifyReply {
  reply.header('ETag', answer.etag).header('Cache-Control', answer.cacheControl)
  if (isSame(request.headers['if-none-match'], answer.etag)) return reply.status(304).send()
  return reply
    .header('Content-Type', answer.contentType ?? 'application/json; charset=utf-8')
    .send(typeof answer.body === 'function' ? answer.body() : answer.body)
}

/** Whether `If-None-Match` names this ETag. Weak comparison, as RFC 9110 section 13.1.2 asks: a proxy may have made it weak. */
export function isSame(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch === etag || ifNoneMatch.trim() === '*') return true
  const bare = etag.replace(/^W\//, '')
  return ifNoneMatch.split(',').some(one => one.trim().replace(/^W\//, '') === bare)
}
