import type { ActorRole } from '#contracts/actor.ts'
import type { UserId } from '#kernel/ids.ts'
import { type Ok, ok, type Refusal } from '#kernel/outcome.ts'
import type { Tx } from '#platform/postgres/database.ts'
import { findUser, lockAdministrators, setRole, type User } from '../accounts/users.ts'

/**
 * Gives an account another role and ends its sessions. An installation without an administrator could not be repaired from
 * within, so the last one keeps the role.
 */
export async function changeRole(
  tx: Tx,
  userId: UserId,
  role: ActorRole,
): Promise<Ok<User> | Refusal<'not-found'> | Refusal<'last-administrator'>> {
  const administrators = role === 'admin' ? [] : await lockAdministrators(tx)
  if (administrators.length === 1 && administrators[0]!.userId === userId)
    return { ok: false, code: 'last-administrator' }
  const before = await findUser(tx, userId)
  if (before === null) return { ok: false, code: 'not-found' }
  if (before.role === role) return ok(before)
  return ok((await setRole(tx, userId, role))!)
}
