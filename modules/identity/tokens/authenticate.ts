import type { Actor } from '#contracts/actor.ts'
import type { ProblemCode } from '#contracts/problems.ts'
import type { Authenticate } from '#platform/http/server.ts'
import type { AccessTokens } from './access-token.ts'
import type { EndedSessions } from './ended-sessions.ts'

/** `__Host-` makes browsers refuse it from another host of the same site, without TLS, or for part of the paths. */
const cookieName = '__Host-holdfast'
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

type Ports = { tokens: AccessTokens; ended: EndedSessions; publicUrl: () => string }

/**
 * Who is asking: the bearer token of a program, or the cookie of a browser. Runs on every request, so it touches nothing
 * but memory.
 */
export function createAuthenticate({ tokens, ended, publicUrl }: Ports): Authenticate {
  return ({ method, headers }) => {
    if (headers.authorization !== undefined) {
      const token = bearerToken(headers.authorization)
      return token === null ? 'unauthenticated' : actorOf(token)
    }
    const token = headers.cookie === undefined ? null : cookieValue(headers.cookie, cookieName)
    if (token === null) return 'unauthenticated'
    if (!safeMethods.has(method) && !isSameOrigin(headers, publicUrl())) return 'cross-site-request'
    return actorOf(token)
  }

  function actorOf(token: string): Actor | ProblemCode {
    const claims = tokens.verify(token)
    if (claims === null) return 'invalid-token'
    const { actor, sessionVersion } = claims
    if (actor.role === 'guest') return actor
    if (ended.includes(actor.userId, sessionVersion)) return 'invalid-token'
    // Staff fail closed: a dismissed member must not profit from our blindness. A customer's rights are their own things only,
    // and without the database nothing of those can be changed; throwing buyers out for a hiccup would cost more.
    return actor.role !== 'customer' && ended.isStale() ? 'unavailable' : actor
  }
}

function bearerToken(authorization: string): string | null {
  const scheme = authorization.slice(0, 7)
  return scheme === 'Bearer ' || scheme.toLowerCase() === 'bearer ' ? authorization.slice(7) : null
}

function cookieValue(cookies: string, name: string): string | null {
  for (const cookie of cookies.split(';')) {
    const [key, value] = cookie.trim().split('=', 2)
    if (key === name && value !== undefined) return value
  }
  return null
}

/**
 * A browser sends the cookie whoever wrote the page, but it tells the truth about where the page is from: Sec-Fetch-Site,
 * or Origin in older ones. Neither said: not a browser that we could trust with a cookie.
 */
function isSameOrigin(
  headers: { 'sec-fetch-site'?: unknown; origin?: string | undefined },
  publicUrl: string,
): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  return headers.origin !== undefined && headers.origin === new URL(publicUrl).origin
}
