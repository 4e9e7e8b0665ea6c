import type { Queryable } from '#platform/postgres/database.ts'

export type Fence = {
  epoch: number
  /** As a batch of holds sees it. */
  closed: boolean
  /** Null while it is open. */
  reason: string | null
  closed_by_history: boolean
  /** The record was made again from a backup, and has not been opened since. */
  restored: boolean
  known_until: number | null
  synchronous: boolean
}

export async function readFence(db: Queryable): Promise<Fence> {
  const { rows } = await db.query<Fence>(
    `select f.epoch, g.closed,
       case when g.closed then coalesce(f.reason, 'this is another history of the database than the one it knew') end as reason,
       f.closed_by_history, f.restored, f.known_until, f.synchronous
     from holdfast.sales_fence f cross join holdfast.sales_gate() g`,
  )
  return rows[0]!
}

export async function closeFence(db: Queryable, reason: string): Promise<void> {
  await db.query('update holdfast.sales_fence set closed = true, closed_by_person = true, reason = $1', [reason])
}

/** Opens it in this history. Whoever calls this knows that the record and the world agree. */
export async function openFence(db: Queryable): Promise<void> {
  await db.query(
    `update holdfast.sales_fence f
     set closed = false, reason = null, closed_by_person = false, closed_by_history = false, restored = false,
       known_until = null, synchronous = false,
       epoch = f.epoch + (f.timeline is distinct from holdfast.timeline())::int4,
       timeline = holdfast.timeline(), system_identifier = c.system_identifier
     from pg_control_system() c`,
  )
}

/**
 * Writes down that this is another history than the one the fence knew: a promotion or a restore, announced or not. The new epoch
 * makes every process forget what it has in memory.
 *
 * @returns why it is closed; null if nothing has happened
 */
export async function noteHistory(db: Queryable, reason: string): Promise<string | null> {
  const { rowCount } = await db.query(
    `update holdfast.sales_fence f
     set closed = true, closed_by_history = true, epoch = f.epoch + 1,
       reason = concat_ws('; ', case when f.closed_by_person then f.reason end, $1::text),
       timeline = holdfast.timeline(), system_identifier = c.system_identifier,
       -- Closed twice without having been opened: what the first time is unsure of still is.
       known_until = least(f.known_until, coalesce((select max(o.occurred_at) from holdfast.outbox o), timestamptz 'epoch'))
     from pg_control_system() c
     where (f.timeline, f.system_identifier) is distinct from (holdfast.timeline(), c.system_identifier)`,
    [reason],
  )
  return rowCount === 1 ? reason : null
}

/** As `noteHistory`, of a record that was made again from a backup. The copy may say that it had a standby; that says nothing of the copy. */
export async function noteRestore(db: Queryable, moment: string): Promise<void> {
  await noteHistory(db, `restored to ${moment}`)
  await db.query('update holdfast.sales_fence set restored = true, synchronous = false')
}

/** Call after the primary has begun to wait for its standby, and before it stops to. */
export async function noteSynchronous(db: Queryable, synchronous: boolean): Promise<void> {
  await db.query('update holdfast.sales_fence set synchronous = $1', [synchronous])
}

/**
 * Goes on in the new history of a standby that was promoted, if it has lost nothing: what it has says that the primary acknowledged
 * nothing without it, and the primary is dead. False: it stays closed.
 */
export async function acceptPromotion(db: Queryable): Promise<boolean> {
  const { rowCount } = await db.query(
    `update holdfast.sales_fence f
     set closed = false, reason = null, closed_by_history = false, known_until = null, synchronous = false,
       epoch = f.epoch + 1, timeline = holdfast.timeline()
     from pg_control_system() c
     where f.synchronous and f.system_identifier = c.system_identifier and not f.closed_by_person`,
  )
  return rowCount === 1
}
