import { type Cursor, readSince, type Source } from '#platform/messages/snapshot-cursor.ts'
import type { Queryable } from '#platform/postgres/database.ts'

/** A committed change as the outbox has it; lists are joined by commas. */
export type ChangeRow = {
  event_no: number
  type: string
  user_id: string | null
  seat_nos: string | null
  seat_generations: string | null
  /** Milliseconds since 1970. */
  held_until: number | null
  occurred_at: number
}

/**
 * Our own holds are left out: they are most of the rows, and were applied when they were committed. Everything else of ours
 * comes along, because not every writer knows which seats it moved: the sweeper, and the holds that a batch ends on its way.
 *
 * Lists as text: the driver's array parser goes character by character.
 */
const seatChanges: Source = {
  label: 'seat changes',
  table: 'holdfast.outbox',
  columns: [
    'o.event_no',
    'o.type',
    'o.user_id',
    `array_to_string(o.seat_nos, ',') as seat_nos`,
    `array_to_string(o.seat_generations, ',') as seat_generations`,
    `date_part('epoch', o.held_until) * 1000 as held_until`,
    `date_part('epoch', o.occurred_at) * 1000 as occurred_at`,
  ],
  where: `o.type <> 'ReservationCreated' or o.origin is distinct from $4::uuid`,
}

const piece = 5000

export function readChanges(db: Queryable, cursor: Cursor, origin: string) {
  return readSince<ChangeRow>(db, cursor, seatChanges, { limit: piece, values: [origin] })
}

export type Surroundings = {
  /** Database time, milliseconds since 1970. */
  now: number
  /** Another text when this is another database, or this one after a restart, a promotion or a restore. */
  lineage: string
  areas: { eventNo: number; areaNo: number; generation: number; available: number }[]
}

/**
 * What is polled and not told: the clock, whether this is still the same database, and the counters of these events' areas.
 * A hold of places says nothing of what is left, and the counter is one short row.
 */
export async function readSurroundings(db: Queryable, eventNos: readonly number[]): Promise<Surroundings> {
  const { rows } = await db.query<SurroundingsRow>({
    label: 'surroundings_1',
    text: `select holdfast.clock() as now,
       concat_ws(' ', c.system_identifier, left(pg_walfile_name(pg_current_wal_lsn()), 8), pg_postmaster_start_time(), f.epoch)
         as lineage,
       a.event_no, a.area_no, a.generation, a.available
     from holdfast.sales_fence f
     cross join pg_control_system() c
     left join holdfast.areas a on a.event_no = any ($1::int4[])`,
    values: [eventNos],
  })
  const { now, lineage } = rows[0]!
  const areas = rows.flatMap(({ event_no: eventNo, area_no: areaNo, generation, available }) =>
    eventNo === null ? [] : { eventNo, areaNo, generation, available },
  )
  return { now, lineage, areas }
}

type SurroundingsRow = {
  now: number
  lineage: string
  event_no: number | null
  area_no: number
  generation: number
  available: number
}
