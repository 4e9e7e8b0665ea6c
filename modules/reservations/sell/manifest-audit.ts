import { fromUuid } from '#kernel/ids.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import { countManifest, type ManifestCounts } from './manifest-audit.sql.ts'

/**
 * The manifest audit of an event, as `GET /v1/events/{id}/audit` answers it: every seat and place counted from one snapshot of
 * the tables, never from a counter. A hold that has run out counts as available, swept or not.
 */
export type ManifestAudit = {
  capacity: number
  available: number
  held: number
  reserved: number
  sold: number
  blocked: number
  /** True if everything adds up and nothing contradicts anything. */
  balanced: boolean
  /** Seats and places that live reservations have beyond what there is. */
  oversold: number
  live_tickets: number
  captured_amount: number
  refunded_amount: number
  refund_pending_amount: number
  quarantined_amount: number
  ticket_value: number
  /** The first hundred. */
  discrepancies: Discrepancy[]
  discrepancy_count: number
}

export type Discrepancy = { kind: DiscrepancyKind; detail: string }

export type DiscrepancyKind = keyof typeof sentences

/** Null if there is no such event. */
export async function auditEvent(db: Queryable, eventNo: number): Promise<ManifestAudit | null> {
  const counts = await countManifest(db, eventNo)
  if (counts === null) return null
  const { discrepancies, discrepancy_count, capacity, available, held, reserved, sold, blocked, ...others } = counts
  // Until something is sold there is neither money nor a ticket.
  const captured_amount = 0
  const refunded_amount = 0
  const refund_pending_amount = 0
  const quarantined_amount = 0
  const ticket_value = 0
  const addsUp =
    available + held + reserved + sold + blocked === capacity &&
    captured_amount - refunded_amount - refund_pending_amount - quarantined_amount === ticket_value
  return {
    capacity,
    available,
    held,
    reserved,
    sold,
    blocked,
    balanced: addsUp && discrepancy_count === 0,
    oversold: others.oversold,
    live_tickets: others.live_tickets,
    captured_amount,
    refunded_amount,
    refund_pending_amount,
    quarantined_amount,
    ticket_value,
    discrepancies: discrepancies.map(describe),
    discrepancy_count,
  }
}

type Finding = Omit<ManifestCounts['discrepancies'][number], 'reservation_id'> & { reservation: string }

const sentences = {
  'holder-unknown': (it: Finding) => `Seat ${it.seat_no} belongs to ${it.reservation}, which does not exist.`,
  'holder-does-not-list-seat': (it: Finding) =>
    `Seat ${it.seat_no} belongs to ${it.reservation}, which does not list it.`,
  'holder-has-ended': (it: Finding) =>
    `Seat ${it.seat_no} belongs to ${it.reservation}, which is no open hold any more.`,
  'sold-without-confirmation': (it: Finding) =>
    `Seat ${it.seat_no} is sold to ${it.reservation}, which is ${it.expected}.`,
  'ends-differ': (it: Finding) =>
    `Seat ${it.seat_no} is held until ${it.found}, its reservation ${it.reservation} until ${it.expected}.`,
  'item-without-seat': (it: Finding) =>
    `${it.reservation} lists seat ${it.seat_no}, which is ${it.found} and not its own.`,
  'seat-listed-twice': (it: Finding) => `Seat ${it.seat_no} is listed by ${it.found} live reservations.`,
  'area-counter': (it: Finding) => `Area ${it.area_no} counts ${it.found} places available where ${it.expected} are.`,
  'area-out-of-range': (it: Finding) => `Area ${it.area_no} counts ${it.found} places available of ${it.expected}.`,
  'area-overfull': (it: Finding) => `Area ${it.area_no} has ${it.found} places taken of ${it.expected}.`,
  'item-without-area': (it: Finding) => `A reservation has places in area ${it.area_no}, which does not exist.`,
  'two-live-holds': (it: Finding) => `The user of ${it.reservation} has ${it.found} live holds.`,
  'blocked-without-reason': (it: Finding) => `Seat ${it.seat_no} is set aside without a reason.`,
  'reason-without-block': (it: Finding) =>
    `Seat ${it.seat_no} has a reason to be set aside and is ${it.found ?? 'missing'}.`,
  'quantity-differs': (it: Finding) => `${it.reservation} is for ${it.found} places and lists ${it.expected}.`,
  'amount-differs': (it: Finding) => `${it.reservation} costs ${it.found} and its items ${it.expected}.`,
}

function describe({ reservation_id, ...found }: ManifestCounts['discrepancies'][number]): Discrepancy {
  const reservation = reservation_id === null ? 'a reservation' : fromUuid('rsv', reservation_id)
  return { kind: found.kind, detail: sentences[found.kind]({ ...found, reservation }) }
}
