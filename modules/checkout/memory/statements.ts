import { fromUuid } from '#kernel/ids.ts'
import type { MemoryStatements } from '#platform/memory/statements.ts'
import { eventKey, events, outbox, reservationKey, reservations } from '#reservations/memory'

/** Twins of checkout's own statements, over the tables of reservations. */
export const checkoutStatements: MemoryStatements = {
  event_policy_1: (tx, [eventNo]: [number]) =>
    tx.read('event', view => {
      const event = view.get(events, eventKey(eventNo))
      return event === undefined ? [] : [{ status: event.status, late_payment: event.latePayment ?? 'reclaim' }]
    }),

  find_end_1: (tx, [eventNo, id]: [number, string]) =>
    tx.read('end', view => {
      const found = view.get(reservations, reservationKey(eventNo, fromUuid('rsv', id)))
      if (found === undefined) return []
      const has_places = found.state === 'pending_payment' && found.reservedAt !== null
      return [{ expires_at: found.expiresAt, now: tx.now(), has_places }]
    }),

  extend_queued_1: async (tx, [eventNo, id, seconds]: [number, string, number]) => {
    const extended = await tx.update(reservations, {
      keys: [reservationKey(eventNo, fromUuid('rsv', id))],
      where: row => row.state === 'pending_payment' && row.reservedAt !== null,
      set: row => ({ ...row, expiresAt: row.expiresAt + seconds * 1000, revision: row.revision + 1 }),
    })
    return extended.map(row => ({ expires_at: row.expiresAt }))
  },

  tell_payment_1: (
    tx,
    [eventNo, type, subject, revision, origin, userId, data]: [number, string, string, number, string, string, string],
  ) =>
    tx.insert(outbox, [
      {
        position: tx.next('outbox position'),
        xid: tx.id,
        occurredAt: tx.now(),
        eventNo,
        type,
        subject,
        revision,
        origin,
        userId: fromUuid('usr', userId),
        seatNos: [],
        seatGenerations: [],
        heldUntil: null,
        data: JSON.parse(data),
      },
    ]),
}
