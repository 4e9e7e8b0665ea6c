import type { Signup } from '#contracts/identity.ts'
import type { Clock } from '#kernel/clock.ts'
import { newId } from '#kernel/ids.ts'
import { type Ok, ok, type Refusal } from '#kernel/outcome.ts'
import type { Random } from '#kernel/random.ts'
import type { Database } from '#platform/postgres/database.ts'
import { normalizeEmail, normalizeName } from './account-fields.ts'
import type { Passwords } from './password.ts'
import type { AccountSession, Sessions } from './sessions.ts'
import { insertUser } from './users.ts'

export type SignupPorts = { db: Database; passwords: Passwords; sessions: Sessions; clock: Clock; random: Random }

/** A new customer, signed in. Of two for the same address at once, one wins. */
export async function signUp(ports: SignupPorts, given: Signup): Promise<Ok<AccountSession> | Refusal<'email-taken'>> {
  const passwordHash = await ports.passwords.hash(given.password)
  return ports.db.transaction(async tx => {
    const user = await insertUser(tx, {
      userId: newId('usr', ports),
      email: normalizeEmail(given.email),
      name: normalizeName(given.name),
      role: 'customer',
      passwordHash,
    })
    return user === null ? { ok: false, code: 'email-taken' } : ok(await ports.sessions.openForUser(tx, user))
  })
}
