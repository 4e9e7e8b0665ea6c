import type { Database, Queryable, Tx } from '#platform/postgres/database.ts'
import type { MessageLog } from './message-log.ts'
import { type Cursor, theBeginning } from './snapshot-cursor.ts'

/** Where a consumer stands, as read at some moment. `moves` is the fence: nobody else may have moved it since. */
export type Place = {
  consumer: string
  cursor: Cursor
  moves: number
  /** The lease must be renewed, or the cursor written although nothing was handled. */
  isDue: boolean
}

const leaseSeconds = 15
const renewSeconds = 10

/**
 * The consumer's place, or null while another process works on it. The lease is a courtesy that saves double work: what
 * keeps two processes apart is that `moveCursor` fails for the second.
 */
export async function findPlace(
  db: Database,
  log: MessageLog,
  consumer: { name: string; from: 'beginning' | 'now' },
  processId: string,
): Promise<Place | null> {
  for (;;) {
    const { rows } = await db.query<PlaceRow>({
      label: 'find_place_1',
      text: `select c.snapshot::text as cursor, c.moves,
         c.leased_by is not distinct from $2 or c.leased_until < t.now as is_free,
         c.leased_by is distinct from $2 or c.leased_until < t.now + make_interval(secs => ${renewSeconds}) as is_due,
         split_part(c.epoch, '.', 1) = split_part(holdfast.message_epoch(), '.', 1) as is_of_here
       from holdfast.message_cursors c cross join (select holdfast.clock() as now) t
       where c.consumer = $1`,
      values: [consumer.name, processId],
    })
    const found = rows[0]
    if (found === undefined) await enrol(db, consumer.name, consumer.from === 'now' ? await log.now() : theBeginning)
    else if (!found.is_of_here) await db.query('select holdfast.adopt_messages()')
    else if (!found.is_free) return null
    else return { consumer: consumer.name, cursor: found.cursor, moves: found.moves, isDue: found.is_due }
  }
}

/**
 * Moves the cursor, as the first thing of the transaction that has the effects: a second process waits here until the first
 * has committed, and then finds that the place is no longer where it was.
 *
 * @throws PlaceLost when somebody else has moved it
 */
export async function moveCursor(tx: Tx, place: Place, cursor: Cursor, processId: string): Promise<void> {
  const { rowCount } = await tx.query({
    label: 'move_place_1',
    text: `update holdfast.message_cursors
     set snapshot = $3::pg_snapshot, moves = moves + 1, epoch = holdfast.message_epoch(),
       leased_by = $4, leased_until = holdfast.clock() + make_interval(secs => ${leaseSeconds})
     where consumer = $1 and moves = $2`,
    values: [place.consumer, place.moves, cursor, processId],
  })
  if (rowCount !== 1) throw new PlaceLost()
}

/** Keeps the place from moving until the end of the transaction. @throws PlaceLost when it has moved already */
export async function holdPlace(tx: Tx, place: Place): Promise<void> {
  const { rowCount } = await tx.query({
    label: 'hold_place_1',
    text: 'select from holdfast.message_cursors where consumer = $1 and moves = $2 for update',
    values: [place.consumer, place.moves],
  })
  if (rowCount !== 1) throw new PlaceLost()
}

/** Lets another process go on at once. */
export async function leavePlace(db: Queryable, consumer: string, processId: string): Promise<void> {
  await db.query(
    `update holdfast.message_cursors set leased_by = null, leased_until = '-infinity' where consumer = $1 and leased_by = $2`,
    [consumer, processId],
  )
}

/** Sends a consumer to another place, also back: its inbox drops what it has handled. For operators. */
export async function setCursor(db: Queryable, consumer: string, cursor: Cursor): Promise<boolean> {
  const { rowCount } = await db.query(
    'update holdfast.message_cursors set snapshot = $2::pg_snapshot, moves = moves + 1 where consumer = $1',
    [consumer, cursor],
  )
  return rowCount === 1
}

/** Somebody else has taken over. Not a fault of anything: undo and leave it to them. */
export class PlaceLost extends Error {
  override name = 'PlaceLost'
}

type PlaceRow = { cursor: Cursor; moves: number; is_free: boolean; is_due: boolean; is_of_here: boolean }

async function enrol(db: Queryable, consumer: string, cursor: Cursor): Promise<void> {
  await db.query({
    label: 'enrol_consumer_1',
    text: 'insert into holdfast.message_cursors (consumer, snapshot) values ($1, $2::pg_snapshot) on conflict do nothing',
    values: [consumer, cursor],
  })
}
