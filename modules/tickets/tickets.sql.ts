import { assert } from '#kernel/assert.ts'
import { fromUuid, type ReservationId, type TicketId, toUuid, type UserId } from '#kernel/ids.ts'
import type { Queryable, Tx } from '#platform/postgres/database.ts'

export type TicketRecord = {
  eventNo: number
  ticketId: TicketId
  reservationId: ReservationId
  userId: UserId
  seatNo: number | null
  areaNo: number | null
  section: string | null
  row: string | null
  number: string | null
  areaId: string | null
  status: 'valid' | 'used' | 'void' | 'transferred'
  generation: number
  level: number
  amount: number
  currency: string
  holderName: string
  keyNumber: number
  signature: Buffer
  issuedAt: number
  revision: number
}

export type VoidCommand = {
  eventNo: number
  /** Its lock is what keeps a ticket from being voided and refunded twice, so tickets of another are not touched. */
  reservationId: ReservationId
  ticketIds: readonly TicketId[]
  reason: string
  at: number
}

/** A row of `holdfast.tickets` as statements answer with it: uuids as text, times in milliseconds. */
export type TicketRow = {
  event_no: number
  ticket_id: string
  reservation_id: string
  user_id: string
  seat_no: number | null
  area_no: number | null
  section: string | null
  row: string | null
  number: string | null
  area_id: string | null
  status: TicketRecord['status']
  generation: number
  level_no: number
  amount: number
  currency: string
  holder_name: string
  key_number: number
  signature: Buffer
  issued_at: number
  revision: number
}

const columns = `t.event_no, t.ticket_id, t.reservation_id, t.user_id, t.seat_no, t.area_no, t.section, t."row", t.number, t.area_id,
  t.status, t.generation, t.level_no, t.amount, t.currency, t.holder_name, t.key_number, t.signature, t.issued_at, t.revision`

function toRecord(row: TicketRow): TicketRecord {
  return {
    eventNo: row.event_no,
    ticketId: fromUuid('tkt', row.ticket_id),
    reservationId: fromUuid('rsv', row.reservation_id),
    userId: fromUuid('usr', row.user_id),
    seatNo: row.seat_no,
    areaNo: row.area_no,
    section: row.section,
    row: row.row,
    number: row.number,
    areaId: row.area_id,
    status: row.status,
    generation: row.generation,
    level: row.level_no,
    amount: row.amount,
    currency: row.currency,
    holderName: row.holder_name,
    keyNumber: row.key_number,
    signature: row.signature,
    issuedAt: row.issued_at,
    revision: row.revision,
  }
}

/** Writes the tickets of one sale, all or none; a seat that has a live ticket stops the transaction. */
export async function insertTickets(tx: Tx, tickets: readonly TicketRecord[]): Promise<void> {
  const of = <T>(pick: (ticket: TicketRecord) => T) => tickets.map(pick)
  const { rowCount } = await tx.query({
    name: 'insert_tickets_1',
    text: `insert into holdfast.tickets (event_no, ticket_id, reservation_id, user_id, seat_no, area_no, section, "row", number, area_id,
        level_no, amount, currency, holder_name, key_number, signature, issued_at)
      select * from unnest($1::int4[], $2::uuid[], $3::uuid[], $4::uuid[], $5::int4[], $6::int4[], $7::text[], $8::text[], $9::text[],
        $10::text[], $11::int2[], $12::int8[], $13::text[], $14::text[], $15::int2[], $16::bytea[], $17::timestamptz[])`,
    values: [
      of(ticket => ticket.eventNo),
      of(ticket => toUuid(ticket.ticketId)),
      of(ticket => toUuid(ticket.reservationId)),
      of(ticket => toUuid(ticket.userId)),
      of(ticket => ticket.seatNo),
      of(ticket => ticket.areaNo),
      of(ticket => ticket.section),
      of(ticket => ticket.row),
      of(ticket => ticket.number),
      of(ticket => ticket.areaId),
      of(ticket => ticket.level),
      of(ticket => ticket.amount),
      of(ticket => ticket.currency),
      of(ticket => ticket.holderName),
      of(ticket => ticket.keyNumber),
      of(ticket => ticket.signature),
      of(ticket => new Date(ticket.issuedAt).toISOString()),
    ],
  })
  assert(rowCount === tickets.length, 'each place of a sale has a ticket')
}

/** Voids those of the tickets that are live and of this reservation; the caller compares what it asked for with what it got. */
export async function voidTickets(tx: Tx, command: VoidCommand): Promise<TicketRecord[]> {
  const { rows } = await tx.query<TicketRow>({
    name: 'void_tickets_2',
    text: `update holdfast.tickets t
      set status = 'void', voided_at = $3, void_reason = $4, revision = t.revision + 1
      where t.event_no = $1 and t.ticket_id = any ($2::uuid[]) and t.reservation_id = $5 and t.status <> 'void'
      returning ${columns}`,
    values: [
      command.eventNo,
      command.ticketIds.map(id => toUuid(id)),
      new Date(command.at).toISOString(),
      command.reason,
      toUuid(command.reservationId),
    ],
  })
  return rows.map(toRecord)
}

/** All tickets of a reservation, seats by number before areas, void ones too. */
export async function ticketsOfReservation(
  db: Queryable,
  eventNo: number,
  reservationId: ReservationId,
): Promise<TicketRecord[]> {
  const { rows } = await db.query<TicketRow>({
    name: 'tickets_of_reservation_1',
    text: `select ${columns} from holdfast.tickets t where t.event_no = $1 and t.reservation_id = $2
      order by t.seat_no, t.area_no, t.ticket_id`,
    values: [eventNo, toUuid(reservationId)],
  })
  return rows.map(toRecord)
}

export async function findTicket(db: Queryable, eventNo: number, ticketId: TicketId): Promise<TicketRecord | null> {
  const { rows } = await db.query<TicketRow>({
    name: 'find_ticket_1',
    text: `select ${columns} from holdfast.tickets t where t.event_no = $1 and t.ticket_id = $2`,
    values: [eventNo, toUuid(ticketId)],
  })
  return rows[0] === undefined ? null : toRecord(rows[0])
}

/** The newest tickets of a user over all events. */
export async function ticketsOfUser(
  db: Queryable,
  userId: UserId,
  { limit, before }: { limit: number; before?: TicketId },
): Promise<TicketRecord[]> {
  const { rows } = await db.query<TicketRow>({
    name: 'tickets_of_user_1',
    text: `select ${columns} from holdfast.tickets t
      where t.user_id = $1 and ($2::uuid is null or t.ticket_id < $2)
      order by t.ticket_id desc limit $3`,
    values: [toUuid(userId), before === undefined ? null : toUuid(before), limit],
  })
  return rows.map(toRecord)
}
