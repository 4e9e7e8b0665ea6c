import type { MemoryStatements } from '#platform/memory/statements.ts'
import { defineTable } from '#platform/memory/table.ts'
import type { TicketRow as Answer } from '../tickets.sql.ts'

export type TicketRow = Answer & { voided_at: number | null }

/** The table of db/migrations/0010-tickets.sql with its constraints. */
export const tickets = defineTable<TicketRow>({
  name: 'tickets',
  key: row => `${row.event_no}/${row.ticket_id}`,
  unique: {
    one_live_ticket_per_seat: row =>
      row.status !== 'void' && row.seat_no !== null ? `${row.event_no}/${row.seat_no}` : null,
  },
  checks: {
    a_ticket_is_for_one_place: row => (row.seat_no === null) !== (row.area_no === null),
    only_void_tickets_are_voided: row => (row.status === 'void') === (row.voided_at !== null),
  },
})

const columns = [
  'event_no',
  'ticket_id',
  'reservation_id',
  'user_id',
  'seat_no',
  'area_no',
  'section',
  'row',
  'number',
  'area_id',
  'level_no',
  'amount',
  'currency',
  'holder_name',
  'key_number',
  'signature',
] as const

/** Twins of the statements by which a sale writes tickets. */
export const ticketStatements: MemoryStatements = {
  insert_tickets_1: (tx, lists: unknown[][]) =>
    tx.insert(
      tickets,
      lists[0]!.map((_, i) => {
        const named = Object.fromEntries(columns.map((column, c) => [column, lists[c]![i]]))
        const issued_at = Date.parse(lists[columns.length]![i] as string)
        return {
          ...named,
          issued_at,
          status: 'valid',
          generation: 1,
          voided_at: null,
          revision: 1,
        } as unknown as TicketRow
      }),
    ),

  void_tickets_2: (tx, [eventNo, ids, at, , reservationId]: [number, string[], string, string, string]) =>
    tx.update(tickets, {
      keys: ids.map(id => `${eventNo}/${id}`),
      where: row => row.reservation_id === reservationId && row.status !== 'void',
      set: (row): TicketRow => ({ ...row, status: 'void', voided_at: Date.parse(at), revision: row.revision + 1 }),
    }),

  tickets_of_reservation_1: (tx, [eventNo, reservationId]: [number, string]) =>
    tx.read('tickets of a reservation', view =>
      view.rows(tickets, {
        where: row => row.event_no === eventNo && row.reservation_id === reservationId,
        order: (a, b) => rank(a) - rank(b) || (a.ticket_id < b.ticket_id ? -1 : 1),
      }),
    ),
}

/** Seats by their number, then areas by theirs. */
function rank({ seat_no, area_no }: TicketRow): number {
  return seat_no ?? 1e9 + area_no!
}
