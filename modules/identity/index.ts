import { assert } from '#kernel/assert.ts'
import type { Clock } from '#kernel/clock.ts'
import type { Random } from '#kernel/random.ts'
import type { Authenticate, Routes } from '#platform/http/server.ts'
import type { Idempotently } from '#platform/idempotency/index.ts'
import type { Database } from '#platform/postgres/database.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import { createLoginLimits } from './accounts/login-limits.ts'
import { createPasswords } from './accounts/password.ts'
import { accountSeconds, createSessions, type GuestSession } from './accounts/sessions.ts'
import { lockAdministrators } from './accounts/users.ts'
import { identityRoutes } from './http.ts'
import { type Administrator, ensureAdministrator } from './staff/ensure-administrator.ts'
import { createAccessTokens, type TokenKey } from './tokens/access-token.ts'
import { createAuthenticate } from './tokens/authenticate.ts'
import { followEndedSessions } from './tokens/ended-sessions.ts'

export { createReservationAccess, type ReservationAccess } from './tokens/reservation-access.ts'
export { loadTokenKeys, type TokenKeySource } from './tokens/token-keys.ts'
export type { Administrator, GuestSession, TokenKey }

export type IdentityOptions = {
  /** The staff pool: hashing is slow and logins are no part of a sale. */
  db: Database
  clock: Clock
  random: Random
  /** From `loadTokenKeys`. */
  keys: readonly TokenKey[]
  publicUrl: () => string
  idempotently: Idempotently
  logger: Logger
  metrics: Metrics
}

export type Identity = {
  routes: Routes
  authenticate: Authenticate
  /** Makes the first administrator if there is none. */
  ensureAdministrator(given: { email: string; password?: string | undefined }): Promise<Administrator>
  /** Five minutes as an administrator, for what the program itself does through its own API at the first start. */
  issueAdministratorToken(): Promise<string>
  /** What `POST /v1/auth/guest` gives; for generators and tests in the same process. */
  issueGuestToken(): GuestSession
  /** Must have ended before the first request of staff: until then they get 503. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** Guest tokens without a server: for load generators, which need a hundred thousand of them. */
export function guestTokens(source: { keys: readonly TokenKey[]; clock: Clock; random: Random }): () => GuestSession {
  const { clock, random } = source
  return createSessions({ tokens: createAccessTokens(source), clock, random }).openForGuest
}

/** Guests, accounts, staff, and the tokens by which all of them are known. */
export function createIdentity(options: IdentityOptions): Identity {
  const { db, clock, random, keys, publicUrl, idempotently, logger, metrics } = options
  const tokens = createAccessTokens({ keys, clock })
  const passwords = createPasswords({ random })
  const sessions = createSessions({ tokens, clock, random })
  const ended = followEndedSessions({ db, clock, logger, tokenSeconds: accountSeconds })
  const limits = createLoginLimits(clock)
  metrics.gauge('holdfast_passwords_waiting', 'Passwords that wait to be hashed.', [], gauge =>
    gauge.set(passwords.waiting()),
  )
  return {
    routes: identityRoutes({ db, clock, random, passwords, sessions, ended, limits, idempotently }),
    authenticate: createAuthenticate({ tokens, ended, publicUrl }),
    ensureAdministrator: given => ensureAdministrator({ db, passwords, clock, random }, given),
    async issueAdministratorToken() {
      const [administrator] = await db.transaction(lockAdministrators)
      assert(administrator, 'an installation has an administrator before anybody acts as one')
      return tokens.sign({ userId: administrator.userId, role: 'admin' }, administrator.sessionVersion, 300)
    },
    issueGuestToken: () => sessions.openForGuest(),
    start: ended.start,
    stop: ended.stop,
  }
}
