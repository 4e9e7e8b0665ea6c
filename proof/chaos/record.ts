import { fromUuid } from '#kernel/ids.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { Kept, KeptReservation, SeatChange } from './promises.ts'

/** What the tables say of one event, whatever the product would say of it. `seatIds` by seat_no. */
export async function readRecord(
  db: Queryable,
  eventUuid: string,
  seatIds: ReadonlyMap<number, string>,
): Promise<Kept> {
  type Row = Omit<KeptReservation, 'seatIds'> & { id: string; seatNos: number[] }
  const { rows } = await db.query<Row>(
    `select r.reservation_id as id, r.state::text, r.initial_expires_at as "firstEnd", r.expires_at as "end",
       r.ended_at as "endedAt", r.seat_nos as "seatNos",
       (select coalesce(sum(q), 0)::int from unnest(r.area_quantities) q) as places,
       (select count(*)::int from holdfast.tickets t where t.event_no = r.event_no
         and t.reservation_id = r.reservation_id and t.status <> 'void') as "liveTickets",
       exists (select from holdfast.payments p where p.event_no = r.event_no and p.reservation_id = r.reservation_id) as "hasPayment"
     from holdfast.reservations r join holdfast.events e using (event_no) where e.event_id = $1`,
    [eventUuid],
  )
  const { rows: tickets } = await db.query<{ id: string; reservation: string; isLive: boolean }>(
    `select t.ticket_id as id, t.reservation_id as reservation, t.status <> 'void' as "isLive"
     from holdfast.tickets t join holdfast.events e using (event_no) where e.event_id = $1`,
    [eventUuid],
  )
  const { rows: refunds } = await db.query<{ id: string }>('select refund_id as id from holdfast.refunds')
  const { rows: changes } = await db.query<
    Omit<SeatChange, 'reservationId'> & { seatNo: number; subject: string | null }
  >(
    `select t.seat_no as "seatNo", t.generation, o.type, o.subject, o.occurred_at as at, o.held_until as "heldUntil"
     from holdfast.outbox o join holdfast.events e using (event_no)
     cross join lateral unnest(o.seat_nos, o.seat_generations) t(seat_no, generation)
     where e.event_id = $1 order by t.seat_no, t.generation`,
    [eventUuid],
  )
  const idOf = (seatNo: number) => seatIds.get(seatNo) ?? `seat ${seatNo}`
  return {
    reservations: new Map(
      rows.map(({ id, seatNos, ...row }) => [fromUuid('rsv', id), { ...row, seatIds: seatNos.map(idOf) }]),
    ),
    tickets: new Map(
      tickets.map(row => [
        fromUuid('tkt', row.id),
        { reservationId: fromUuid('rsv', row.reservation), isLive: row.isLive },
      ]),
    ),
    refunds: new Set(refunds.map(({ id }) => fromUuid('rfd', id))),
    changes: Map.groupBy(
      changes.map(({ subject, ...change }) => ({
        ...change,
        reservationId: subject === null ? null : fromUuid('rsv', subject),
      })),
      change => idOf(change.seatNo),
    ),
  }
}
