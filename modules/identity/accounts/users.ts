import type { ActorRole } from '#contracts/actor.ts'
import { fromUuid, toUuid, type UserId } from '#kernel/ids.ts'
import type { Queryable } from '#platform/postgres/database.ts'

/** Someone with a row: a customer or a member of staff. */
export type User = {
  userId: UserId
  email: string
  name: string
  role: ActorRole
  passwordHash: string
  sessionVersion: number
  /** Milliseconds since 1970. */
  createdAt: number
}

type Row = {
  user_id: string
  email: string
  name: string
  role: ActorRole
  password_hash: string
  session_version: number
  created_at: number
}

const columns = 'user_id, email, name, role, password_hash, session_version, created_at'

export async function findUserByEmail(db: Queryable, email: string): Promise<User | null> {
  const { rows } = await db.query<Row>(`select ${columns} from holdfast.users where lower(email) = lower($1)`, [email])
  return rows[0] ? asUser(rows[0]) : null
}

export async function findUser(db: Queryable, userId: UserId): Promise<User | null> {
  const { rows } = await db.query<Row>(`select ${columns} from holdfast.users where user_id = $1`, [toUuid(userId)])
  return rows[0] ? asUser(rows[0]) : null
}

/** The new user, or null when the address has an account: the unique index decides between two at once. */
export async function insertUser(
  db: Queryable,
  user: Pick<User, 'userId' | 'email' | 'name' | 'role' | 'passwordHash'>,
): Promise<User | null> {
  const { rows } = await db.query<Row>(
    `insert into holdfast.users (user_id, email, name, role, password_hash)
     values ($1, $2, $3, $4, $5)
     on conflict (lower(email)) do nothing
     returning ${columns}`,
    [toUuid(user.userId), user.email, user.name, user.role, user.passwordHash],
  )
  return rows[0] ? asUser(rows[0]) : null
}

/** Stores the same password under newer parameters, unless somebody changed it in the meantime. */
export async function replaceHash(db: Queryable, user: User, hash: string): Promise<void> {
  await db.query('update holdfast.users set password_hash = $3 where user_id = $1 and password_hash = $2', [
    toUuid(user.userId),
    user.passwordHash,
    hash,
  ])
}

/** Gives the role and ends every session of the user: what a token says about its holder must stay true. */
export async function setRole(db: Queryable, userId: UserId, role: ActorRole): Promise<User | null> {
  const { rows } = await db.query<Row>(
    `with ended as (delete from holdfast.refresh_tokens where user_id = $1)
     update holdfast.users
        set role = $2, session_version = session_version + 1, sessions_changed_at = holdfast.clock()
      where user_id = $1
     returning ${columns}`,
    [toUuid(userId), role],
  )
  return rows[0] ? asUser(rows[0]) : null
}

export async function setPassword(db: Queryable, userId: UserId, hash: string): Promise<void> {
  await db.query(
    `with ended as (delete from holdfast.refresh_tokens where user_id = $1)
     update holdfast.users
        set password_hash = $2, session_version = session_version + 1, sessions_changed_at = holdfast.clock()
      where user_id = $1`,
    [toUuid(userId), hash],
  )
}

/** The administrators, locked until the transaction ends, so that two of them cannot remove each other. */
export async function lockAdministrators(tx: Queryable): Promise<User[]> {
  const { rows } = await tx.query<Row>(
    `select ${columns} from holdfast.users where role = 'admin' order by user_id for update`,
  )
  return rows.map(asUser)
}

function asUser(row: Row): User {
  return {
    userId: fromUuid('usr', row.user_id),
    email: row.email,
    name: row.name,
    role: row.role,
    passwordHash: row.password_hash,
    sessionVersion: row.session_version,
    createdAt: row.created_at,
  }
}
