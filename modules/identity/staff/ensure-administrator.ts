import type { Clock } from '#kernel/clock.ts'
import { newId } from '#kernel/ids.ts'
import type { Random } from '#kernel/random.ts'
import type { Database } from '#platform/postgres/database.ts'
import { normalizeEmail } from '../accounts/account-fields.ts'
import type { Passwords } from '../accounts/password.ts'
import { findUserByEmail, insertUser, lockAdministrators, setPassword, setRole } from '../accounts/users.ts'

export type Administrator = {
  email: string /** Only if it was made just now: print it, it is kept nowhere. */
  password: string | null
}

export type EnsurePorts = { db: Database; passwords: Passwords; clock: Clock; random: Random }

/**
 * Makes sure that somebody can sign in as administrator. An installation that has one is left alone, whatever the settings
 * say now. An account that somebody else opened under the address is taken over with a new password.
 */
export async function ensureAdministrator(
  ports: EnsurePorts,
  given: { email: string; password?: string | undefined },
): Promise<Administrator> {
  const { db, random } = ports
  const existing = await db.transaction(lockAdministrators)
  if (existing.length > 0) return { email: existing[0]!.email, password: null }

  const email = normalizeEmail(given.email)
  const password = given.password ?? newPassword(random)
  const passwordHash = await ports.passwords.hash(password)
  return db.transaction(async tx => {
    // Two servers may start at once on an empty database: the second waits here and then finds the first one's administrator.
    await tx.query('lock table holdfast.users in share row exclusive mode')
    const [other] = await lockAdministrators(tx)
    if (other !== undefined) return { email: other.email, password: null }
    const taken = await findUserByEmail(tx, email)
    if (taken === null)
      await insertUser(tx, { userId: newId('usr', ports), email, name: 'Administrator', role: 'admin', passwordHash })
    else {
      await setPassword(tx, taken.userId, passwordHash)
      await setRole(tx, taken.userId, 'admin')
    }
    return { email, password: given.password === undefined ? password : null }
  })
}

/** Six groups of four letters and digits, none of which looks like another (no i, l, o): 120 bits, readable over a telephone. */
function newPassword(random: Random): string {
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
  const characters = Array.from(random.bytes(24), byte => alphabet[byte & 31])
  return (characters.join('').match(/.{4}/g) ?? []).join('-')
}
