import type { NewStaff } from '#contracts/identity.ts'
import type { Clock } from '#kernel/clock.ts'
import { newId } from '#kernel/ids.ts'
import { type Ok, ok, type Refusal } from '#kernel/outcome.ts'
import type { Random } from '#kernel/random.ts'
import type { Tx } from '#platform/postgres/database.ts'
import { normalizeEmail, normalizeName } from '../accounts/account-fields.ts'
import { insertUser, type User } from '../accounts/users.ts'

/** An account with a role, made by an administrator who hands the password over. `passwordHash` was made before the transaction. */
export async function createStaff(
  tx: Tx,
  ids: { clock: Clock; random: Random },
  given: NewStaff & { passwordHash: string },
): Promise<Ok<User> | Refusal<'email-taken'>> {
  const user = await insertUser(tx, {
    userId: newId('usr', ids),
    email: normalizeEmail(given.email),
    name: normalizeName(given.name),
    role: given.role,
    passwordHash: given.passwordHash,
  })
  return user === null ? { ok: false, code: 'email-taken' } : ok(user)
}
