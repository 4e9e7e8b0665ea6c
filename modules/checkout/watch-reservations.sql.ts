import { fromUuid, type ReservationId, toUuid } from '#kernel/ids.ts'
import type { Queryable } from '#platform/postgres/database.ts'

/** One number a reservation that changes whenever reservation or payment do; one statement, however many are watched. */
export async function revisionsOf(
  db: Queryable,
  watched: readonly { eventNo: number; reservationId: ReservationId }[],
): Promise<Map<ReservationId, number>> {
  const { rows } = await db.query<{ reservation_id: string; revision: number }>({
    name: 'revisions_of_1',
    text: `select r.reservation_id, r.revision + coalesce(p.revision, 0) as revision
      from unnest($1::int4[], $2::uuid[]) w(event_no, id)
      join holdfast.reservations r on r.event_no = w.event_no and r.reservation_id = w.id
      left join holdfast.payments p on p.event_no = w.event_no and p.reservation_id = w.id`,
    values: [watched.map(key => key.eventNo), watched.map(key => toUuid(key.reservationId))],
  })
  return new Map(rows.map(row => [fromUuid('rsv', row.reservation_id), row.revision]))
}
