import type { Login } from '#contracts/identity.ts'
import { type Ok, ok, type Refusal } from '#kernel/outcome.ts'
import type { Database } from '#platform/postgres/database.ts'
import { normalizeEmail } from './account-fields.ts'
import type { Passwords } from './password.ts'
import type { AccountSession, Sessions } from './sessions.ts'
import { findUserByEmail, replaceHash } from './users.ts'

export type LoginPorts = { db: Database; passwords: Passwords; sessions: Sessions }

/**
 * A session for who knows the password. An unknown address costs the same hashing and gets the same answer: otherwise the
 * answer's time would tell who has an account.
 */
export async function logIn(
  ports: LoginPorts,
  given: Login,
): Promise<Ok<AccountSession> | Refusal<'invalid-credentials'>> {
  const { db, passwords } = ports
  const user = await findUserByEmail(db, normalizeEmail(given.email))
  const right =
    user === null
      ? await passwords.matchesNobody(given.password)
      : await passwords.matches(given.password, user.passwordHash)
  if (user === null || !right) return { ok: false, code: 'invalid-credentials' }
  // The one moment at which we know the password: parameters can be raised without asking anybody for a new one.
  if (passwords.isOutdated(user.passwordHash)) await replaceHash(db, user, await passwords.hash(given.password))
  return ok(await ports.sessions.openForUser(db, user))
}
