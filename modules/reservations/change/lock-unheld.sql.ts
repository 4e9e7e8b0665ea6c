import type { Tx } from '#platform/postgres/database.ts'
import type { SeatStatus } from '../ports.ts'

/**
 * Locks those of the seats that nobody has, in order, for a change of theirs that is not the sale's business (their price). The
 * others are told and not locked: a holder's price is frozen and their seat stays theirs.
 */
export async function lockUnheldSeats(
  tx: Tx,
  { eventNo, seatNos }: { eventNo: number; seatNos: readonly number[] },
): Promise<{ free: number[]; refused: { seatNo: number; status: SeatStatus }[] }> {
  const { rows: locked } = await tx.query<{ seat_no: number }>(
    `select s.seat_no from holdfast.seats s
     where s.event_no = $1 and s.seat_no = any ($2::int4[])
       and (s.status in ('available', 'blocked') or (s.status = 'held' and s.held_until <= holdfast.clock()))
     order by s.seat_no
     for update`,
    [eventNo, seatNos],
  )
  const free = locked.map(row => row.seat_no)
  const { rows: others } = await tx.query<{ seat_no: number; status: SeatStatus }>(
    `select s.seat_no, s.status from holdfast.seats s
     where s.event_no = $1 and s.seat_no = any ($2::int4[]) and not (s.seat_no = any ($3::int4[]))
     order by s.seat_no`,
    [eventNo, seatNos, free],
  )
  return { free, refused: others.map(row => ({ seatNo: row.seat_no, status: row.status })) }
}
