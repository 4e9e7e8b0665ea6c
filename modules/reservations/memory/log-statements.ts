import { fromUuid, type ReservationId, toUuid } from '#kernel/ids.ts'
import type { MemoryStatements } from '#platform/memory/statements.ts'
import { sourceStatements } from '#platform/messages/memory/index.ts'
import { type OutboxRow, outbox, reservationKey, reservations } from './tables.ts'

/** The columns of the outbox as anybody who reads it by cursor asks for them. */
function toRow(row: OutboxRow): object {
  const { occurredAt, eventNo, type, revision, userId, heldUntil, data } = row
  return {
    occurred_at: occurredAt,
    event_no: eventNo,
    type,
    subject: subjectOf(row),
    revision,
    user_id: userId === null ? null : toUuid(userId),
    seat_nos: row.seatNos.join(),
    seat_generations: row.seatGenerations.join(),
    held_until: heldUntil,
    data,
  }
}

/** As PostgreSQL has it. */
function subjectOf({ subject }: OutboxRow): string | null {
  return subject?.startsWith('rsv_') ? toUuid(subject as ReservationId) : subject
}

/** Twins of reading the outbox: by consumers, and by whoever follows seats. */
export const logStatements: MemoryStatements = {
  ...sourceStatements('messages', {
    table: outbox,
    isWanted: (row, [types]) => (types as string[]).includes(row.type),
    toRow,
  }),
  ...sourceStatements('seat changes', {
    table: outbox,
    isWanted: (row, [origin]) => row.type !== 'ReservationCreated' || row.origin !== origin,
    toRow,
  }),

  reservation_facts_1: (tx, [eventNos, ids]: [number[], string[]]) =>
    tx.read('facts of reservations', view => {
      const keys = new Set(eventNos.map((eventNo, i) => reservationKey(eventNo, fromUuid('rsv', ids[i]!))))
      return view.rows(reservations, { keys }).map(row => ({
        event_no: row.eventNo,
        reservation_id: toUuid(row.reservationId),
        quantity: row.quantity,
        amount: row.amount,
        currency: row.currency,
        initial_expires_at: row.initial.expiresAt,
        replaces: row.replaces === null ? null : toUuid(row.replaces),
        seat_nos: row.seats.map(seat => seat.seatNo).join(),
        seat_levels: row.seats.map(seat => seat.level).join(),
        seat_amounts: row.seats.map(seat => seat.amount).join(),
        area_nos: row.areas.map(area => area.areaNo).join(),
        area_quantities: row.areas.map(area => area.quantity).join(),
        area_levels: row.areas.map(area => area.level).join(),
        area_amounts: row.areas.map(area => area.amount).join(),
      }))
    }),
}
