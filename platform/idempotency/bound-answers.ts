import { assert } from '#kernel/assert.ts'
import type { Database, Queryable, Tx } from '../postgres/database.ts'

/** An answer as it was first given. */
export type BoundAnswer = { status: number; headers: Record<string, string>; body: unknown }

const keptHours = 24
/** Three attempts of this stay below the deadline of a request. */
const lockTimeoutMs = 2000
const sweepMax = 1000

/**
 * Makes everybody else with this key wait until our transaction ends. Transaction-scoped, so it works behind a pooler. It is
 * a convenience (copies wait instead of failing); the primary key is the wall.
 *
 * A statement of its own: what comes after must see what the one we waited for has committed.
 */
export async function lockKey(tx: Tx, keyHash: Buffer): Promise<void> {
  await tx.query(`select set_config('lock_timeout', $1, true)`, [String(lockTimeoutMs)])
  await tx.query('select pg_advisory_xact_lock($1)', [keyHash.readBigInt64BE()])
}

export async function boundAnswer(
  tx: Tx,
  keyHash: Buffer,
): Promise<{ requestHash: Buffer; answer: BoundAnswer } | null> {
  const { rows } = await tx.query<BoundAnswer & { request_hash: Buffer }>(
    `select request_hash, status, headers, body from holdfast.idempotency
      where key_hash = $1 and expires_at > holdfast.clock()`,
    [keyHash],
  )
  if (rows[0] === undefined) return null
  const { request_hash: requestHash, ...answer } = rows[0]
  return { requestHash, answer }
}

/** Takes the place of an answer that has run out, never of a live one. */
export async function bindAnswer(
  tx: Tx,
  { keyHash, requestHash, answer }: { keyHash: Buffer; requestHash: Buffer; answer: BoundAnswer },
): Promise<void> {
  const { rowCount } = await tx.query(
    `insert into holdfast.idempotency as bound (key_hash, request_hash, status, headers, body, expires_at)
     values ($1, $2, $3, $4, $5, holdfast.clock() + $6 * interval '1 hour')
     on conflict (key_hash) do update
       set request_hash = excluded.request_hash, status = excluded.status, headers = excluded.headers,
           body = excluded.body, expires_at = excluded.expires_at
       where bound.expires_at <= holdfast.clock()`,
    [
      keyHash,
      requestHash,
      answer.status,
      JSON.stringify(answer.headers),
      answer.body === null ? null : JSON.stringify(answer.body),
      keptHours,
    ],
  )
  assert(rowCount === 1, 'a key is bound once while its answer lives')
}

/** Drops answers that have run out; returns how many. A job calls it until it returns 0. */
export async function sweepBoundAnswers(db: Database | Queryable): Promise<number> {
  const { rowCount } = await db.query(
    `delete from holdfast.idempotency
      where key_hash in (
        select key_hash from holdfast.idempotency
         where expires_at <= holdfast.clock()
         limit $1
         for update skip locked
      )`,
    [sweepMax],
  )
  return rowCount
}
