import { type KeyObject, timingSafeEqual } from 'node:crypto'
import { type Actor, type ActorRole, actorRoles } from '#contracts/actor.ts'
import type { Clock } from '#kernel/clock.ts'
import { parseId } from '#kernel/ids.ts'
import { createHmacSha256 } from './hmac-sha256.ts'
import { createVerifiedTokens } from './verified-tokens.ts'

/** One signing key. `kid` stands in the header of what it signed. */
export type TokenKey = { kid: string; secret: KeyObject }

/** What a token says. `sessionVersion` is 0 for a guest, who has no row whose version could move on. */
type AccessClaims = {
  readonly actor: Readonly<Actor>
  readonly sessionVersion: number
  readonly expiresAtMs: number
}

export type AccessTokens = {
  /** A compact JWT that ends in `lifetimeSeconds`. */
  sign(actor: Actor, sessionVersion: number, lifetimeSeconds: number): string
  /** What the token says if one of our keys signed it and it is in time, otherwise null; why is nobody's business. */
  verify(token: string): AccessClaims | null
}

const issuer = 'holdfast'
const audience = 'holdfast/api'
/** Tokens of ours have about 300 characters; whoever sends more is not worth an HMAC. */
const tokenCharactersMax = 1024
/** How far the clocks of two processes of one installation may be apart. */
const leewaySeconds = 60

/**
 * Access tokens: JWT (RFC 7519, RFC 9068's `at+jwt`) with HS256. A symmetric signature, because this runs on every hold:
 * HMAC 1–2 µs, Ed25519 119 µs.
 *
 * The header is not parsed. We wrote every header that we accept, so it is compared as text with those of the live keys:
 * another algorithm, type, key id, a `jwk` or a different spelling of the same header are all simply not ours.
 *
 * @param keys the first one signs, all of them verify, so that a new key can come before the old one goes
 */
export function createAccessTokens({ keys, clock }: { keys: readonly TokenKey[]; clock: Clock }): AccessTokens {
  const signing = keys[0]!
  const headerOf = (key: TokenKey) => encode({ alg: 'HS256', typ: 'at+jwt', kid: key.kid })
  const signingHeader = headerOf(signing)
  const signers = new Map(keys.map(key => [headerOf(key), createHmacSha256(key.secret.export())]))
  const verified = createVerifiedTokens<AccessClaims>()

  function verifyAfresh(token: string): AccessClaims | null {
    if (token.length > tokenCharactersMax) return null
    const headerEnd = token.indexOf('.')
    const payloadEnd = token.indexOf('.', headerEnd + 1)
    if (headerEnd < 0 || payloadEnd < 0) return null
    const signature = signers.get(token.slice(0, headerEnd))
    if (signature === undefined) return null
    // The signature is compared as text: of the four spellings that decode to the same bytes only ours passes.
    if (!equal(signature(token.slice(0, payloadEnd)), token.slice(payloadEnd + 1))) return null
    return readClaims(token.slice(headerEnd + 1, payloadEnd), clock.now() / 1000)
  }

  return {
    sign(actor, sessionVersion, lifetimeSeconds) {
      const issuedAt = Math.floor(clock.now() / 1000)
      const signed = `${signingHeader}.${encode({
        iss: issuer,
        aud: audience,
        sub: actor.userId,
        role: actor.role,
        ...(actor.role !== 'guest' && { sv: sessionVersion }),
        iat: issuedAt,
        exp: issuedAt + lifetimeSeconds,
      })}`
      return `${signed}.${signers.get(signingHeader)!(signed)}`
    },
    verify(token) {
      const known = verified.get(token)
      if (known !== undefined) return clock.now() < known.expiresAtMs ? known : null
      const claims = verifyAfresh(token)
      if (claims !== null) verified.add(token, claims)
      return claims
    },
  }
}

function readClaims(segment: string, nowSeconds: number): AccessClaims | null {
  const claims = decode(segment)
  if (claims === null || claims.iss !== issuer || claims.aud !== audience) return null
  const { sub, role, sv = 0, iat, nbf = iat, exp } = claims
  if (!isSeconds(iat) || !isSeconds(nbf) || !isSeconds(exp)) return null
  if (exp <= nowSeconds || iat > nowSeconds + leewaySeconds || nbf > nowSeconds + leewaySeconds) return null
  const userId = typeof sub === 'string' ? parseId('usr', sub) : null
  if (userId === null || !isRole(role)) return null
  if (!Number.isSafeInteger(sv) || (role === 'guest') !== (sv === 0)) return null
  return { actor: { userId, role }, sessionVersion: sv as number, expiresAtMs: exp * 1000 }
}

function isRole(value: unknown): value is ActorRole {
  return actorRoles.includes(value as ActorRole)
}

function isSeconds(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function equal(expected: string, given: string): boolean {
  const a = Buffer.from(expected)
  const b = Buffer.from(given)
  return a.length === b.length && timingSafeEqual(a, b)
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** The JSON object in a segment, or null. Read leniently: the signature covered this very text, so it is one that we wrote. */
function decode(segment: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(segment, 'base64url').toString('latin1'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}
