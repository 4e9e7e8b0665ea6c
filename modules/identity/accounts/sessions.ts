import { createHash } from 'node:crypto'
import type { Clock } from '#kernel/clock.ts'
import { newId, toUuid, type UserId } from '#kernel/ids.ts'
import type { Random } from '#kernel/random.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import type { User } from './users.ts'

/** What a guest takes home; `expiresIn` in seconds. */
export type GuestSession = { accessToken: string; expiresIn: number; userId: UserId }
export type AccountSession = GuestSession & { refreshToken: string }

const guestSeconds = 7 * 24 * 3600
/** A session is ended by its version within seconds, so the token's own end need not be close. */
export const accountSeconds = 3600
const refreshSeconds = 30 * 24 * 3600

export type Sessions = {
  /** A new guest. Touches no database: in an on-sale everybody asks for one at once. */
  openForGuest(): GuestSession
  openForUser(db: Queryable, user: User): Promise<AccountSession>
}

export function createSessions({
  tokens,
  clock,
  random,
}: {
  tokens: AccessTokens
  clock: Clock
  random: Random
}): Sessions {
  return {
    openForGuest() {
      const userId = newId('usr', { clock, random })
      const accessToken = tokens.sign({ userId, role: 'guest' }, 0, guestSeconds)
      return { accessToken, expiresIn: guestSeconds, userId }
    },
    async openForUser(db, user) {
      const refreshToken = random.bytes(32).toString('base64url')
      await insertRefreshToken(db, user.userId, refreshToken)
      const { userId, role } = user
      const accessToken = tokens.sign({ userId, role }, user.sessionVersion, accountSeconds)
      return { accessToken, expiresIn: accountSeconds, userId, refreshToken }
    },
  }
}

/** Also drops what the user has outlived, so that the table needs no sweeper. */
async function insertRefreshToken(db: Queryable, userId: UserId, token: string): Promise<void> {
  await db.query(
    `with outlived as (
       delete from holdfast.refresh_tokens where user_id = $2 and expires_at < holdfast.clock()
     )
     insert into holdfast.refresh_tokens (token_hash, user_id, expires_at)
     values ($1, $2, holdfast.clock() + $3 * interval '1 second')`,
    // A fast hash is right here: the token is 256 random bits, nobody can try them.
    [createHash('sha256').update(token).digest(), toUuid(userId), refreshSeconds],
  )
}
