import { fromUuid } from '#kernel/ids.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import { countManifest, type ManifestCounts } from './manifest-audit.sql.ts'

/**
 * The house of an event: every seat and place counted from one snapshot of the tables, never from a counter. A hold that has run out
 * counts as available, swept or not. Money and tickets are counted beside it by checkout; sale-control adds the two up.
 */
export type HouseAudit = {
  capacity: number
  available: number
  held: number
  reserved: number
  sold: number
  blocked: number
  /** Seats and places that live reservations have beyond what there is. */
  oversold: number
  /** As the confirmed reservations count them. */
  live_tickets: number
  /** The first hundred. */
  discrepancies: Discrepancy[]
  discrepancy_count: number
}

export type Discrepancy = { kind: DiscrepancyKind; detail: string }

export type DiscrepancyKind = keyof typeof sentences

/** Null if there is no such event. */
export async function auditHouse(db: Queryable, eventNo: number): Promise<HouseAudit | null> {
  const counts = await countManifest(db, eventNo)
  return counts === null ? null : { ...counts, discrepancies: counts.discrepancies.map(describe) }
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
  'held-while-being-paid': (it: Finding) => `Seat ${it.seat_no} is held, and ${it.reservation} is being paid.`,
  'reserved-without-payment': (it: Finding) =>
    `Seat ${it.seat_no} is reserved, and ${it.reservation} is not being paid.`,
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
