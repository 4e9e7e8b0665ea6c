import { countMoney, type MoneyCounts } from '#checkout'
import type { ManifestAudit } from '#contracts/reports.ts'
import { fromUuid } from '#kernel/ids.ts'
import type { Database } from '#platform/postgres/database.ts'
import { auditHouse } from '#reservations'

/**
 * The manifest audit of an event, as `GET /v1/events/{id}/audit` answers it: house, money and tickets from one snapshot of the tables.
 * Null if there is no such event.
 */
export async function auditManifest(db: Database, eventNo: number): Promise<ManifestAudit | null> {
  return db.transaction(async tx => {
    // Two statements that must see the same: each would otherwise have a snapshot of its own.
    await tx.query('set transaction isolation level repeatable read, read only')
    const house = await auditHouse(tx, eventNo)
    if (house === null) return null
    const money = await countMoney(tx, eventNo)
    const { available, held, reserved, sold, blocked, capacity } = house
    const housesAddUp = available + held + reserved + sold + blocked === capacity
    const owed = money.captured_amount - money.refunded_amount - money.refund_pending_amount - money.quarantined_amount
    // Quarantined money is told, and explained: by itself it does not unbalance the books.
    const unexplained = money.discrepancies.filter(found => found.kind !== 'quarantined-payment')
    return {
      capacity,
      available,
      held,
      reserved,
      sold,
      blocked,
      balanced: housesAddUp && owed === money.ticket_value && house.discrepancy_count === 0 && unexplained.length === 0,
      oversold: house.oversold,
      live_tickets: money.live_tickets,
      captured_amount: money.captured_amount,
      refunded_amount: money.refunded_amount,
      refund_pending_amount: money.refund_pending_amount,
      quarantined_amount: money.quarantined_amount,
      ticket_value: money.ticket_value,
      discrepancies: [...house.discrepancies, ...money.discrepancies.map(describe)].slice(0, 100),
      discrepancy_count: house.discrepancy_count + money.discrepancies.length,
    }
  })
}

type Finding = { reservation: string; found: string | null; expected: string | null }

const sentences: Record<MoneyCounts['discrepancies'][number]['kind'], (it: Finding) => string> = {
  'sold-seat-without-ticket': it => `Seat ${it.found} is sold to ${it.reservation} and has no live ticket.`,
  'ticket-without-sold-seat': it =>
    `A live ticket of ${it.reservation} is for seat ${it.found}, which is ${it.expected}.`,
  'ticket-count-differs': it => `${it.reservation} has ${it.found} live tickets and counts ${it.expected}.`,
  'ticket-without-money': it => `The tickets of ${it.reservation} are worth ${it.found}, its money ${it.expected}.`,
  'money-without-ticket': it => `${it.reservation} paid ${it.found} and has tickets for ${it.expected}.`,
  'refunds-exceed-money': it => `${it.reservation} is given back ${it.found} of ${it.expected}.`,
  'payment-without-places': it => `The payment of ${it.reservation} is being captured, and its places are gone.`,
  'quarantined-payment': it => `The payment of ${it.reservation} is quarantined: ${it.found}.`,
}

function describe(counted: MoneyCounts['discrepancies'][number]): { kind: string; detail: string } {
  const { kind, reservation_id, found, expected } = counted
  const reservation = reservation_id === null ? 'a reservation' : fromUuid('rsv', reservation_id)
  return { kind, detail: sentences[kind]({ reservation, found, expected }) }
}
