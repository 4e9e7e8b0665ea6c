import { mails } from '#notifications/memory'
import { paymentEvents, payments, refunds } from '#payments/memory'
import type { Change, Commit } from '#platform/memory/database.ts'
import type { Table } from '#platform/memory/table.ts'
import { areas, outbox, type ReservationRow, reservations, type SeatRow, seats } from '#reservations/memory'
import { tickets } from '#tickets/memory'
import { checkAlways } from './checks.ts'
import type { Town } from './town.ts'

/** What a row may become, by the word that says where it stands; `new` is how it may begin. */
type Steps = Readonly<Record<string, readonly string[]>>

/**
 * Written apart from the tables of the product, of which these are no copy: what a buyer, a bank and a door may see happen, in a town where
 * nobody repairs anything by hand.
 */
const steps = {
  reservation: {
    new: ['pending_payment'],
    pending_payment: ['confirmed', 'expired', 'cancelled'],
    confirmed: [],
    expired: ['confirmed'],
    cancelled: [],
  },
  seat: {
    new: ['available'],
    // Straight to reserved or sold: a late payment has its places back.
    available: ['held', 'reserved', 'sold', 'blocked'],
    // An ended hold that nobody has swept: the next buyer or staff may take its seats.
    held: ['held', 'available', 'reserved', 'sold', 'blocked'],
    reserved: ['available', 'sold', 'blocked'],
    sold: ['available', 'blocked'],
    blocked: ['available'],
  },
  payment: {
    new: ['open', 'captured'],
    open: ['processing', 'capturing', 'captured', 'cancelled', 'refund_pending', 'quarantined'],
    processing: ['open', 'capturing', 'captured', 'cancelled', 'refund_pending', 'quarantined'],
    capturing: ['captured', 'cancelled', 'refund_pending', 'quarantined'],
    captured: ['refund_pending'],
    cancelled: ['capturing', 'captured', 'refund_pending', 'quarantined'],
    refund_pending: ['partly_refunded', 'refunded', 'captured'],
    partly_refunded: ['refund_pending'],
    refunded: ['refund_pending'],
    quarantined: ['refund_pending'],
  },
  refund: { new: ['pending'], pending: ['succeeded', 'failed'], succeeded: ['failed'], failed: [] },
  ticket: { new: ['valid'], valid: ['void'], void: [] },
  webhook: {
    new: ['stored', 'ignored'],
    stored: ['settled', 'ignored', 'quarantined'],
    settled: [],
    ignored: [],
    quarantined: [],
  },
  mail: { new: ['queued'], queued: ['sent', 'skipped'], sent: [], skipped: [] },
} satisfies Record<string, Steps>

/** Tables of whose rows none is ever removed. */
const kept: ReadonlySet<unknown> = new Set([reservations, seats, areas, payments, refunds, tickets, outbox])
/** Tables of which the books are made. */
const books: ReadonlySet<unknown> = new Set([reservations, seats, payments, tickets])

/** Looks at each step as it is committed, and at the books whenever they were written. */
export function checkCommit(town: Town, { changes }: Commit): string[] {
  const wrong = changes.flatMap(change => checkChange(town, change))
  if (changes.some(({ table }) => books.has(table))) wrong.push(...checkAlways(town))
  return wrong
}

export function checkChange(town: Town, change: Change): string[] {
  const { table, before, after } = change
  if (after === null) return kept.has(table) ? [`a row of ${table.name} is removed: ${JSON.stringify(before)}`] : []
  const wrong = [
    ...on(reservations, change, (was, is) => [
      ...checkStep('reservation', was?.state, is.state),
      ...checkRises('end of a hold', was?.expiresAt, is.expiresAt),
      ...(was?.state === 'expired' && is.state === 'confirmed' && town.plan.latePayment === 'refund'
        ? [`${is.reservationId} comes back, and late money should go back`]
        : []),
    ]),
    ...on(seats, change, (was, is) => [
      ...(was?.status === is.status && was.reservationId === is.reservationId
        ? []
        : checkStep('seat', was?.status, is.status)),
      ...checkRises('generation of a seat', was?.generation, is.generation),
      ...checkHolder(town, was, is),
    ]),
    ...on(payments, change, (was, is) => [
      ...checkStep('payment', was?.status, is.status),
      ...checkRises('captured amount', was?.captured_amount, is.captured_amount),
      ...checkRises('revision of a payment', was?.revision, is.revision),
    ]),
    ...on(refunds, change, (was, is) => [
      ...checkStep('refund', was?.status, is.status),
      ...checkSame('amount of a refund', was?.amount, is.amount),
    ]),
    ...on(tickets, change, (was, is) => [
      ...checkStep('ticket', was?.status, is.status),
      ...checkSame('seat of a ticket', was?.seat_no, is.seat_no),
      ...checkSame('order of a ticket', was?.reservation_id, is.reservation_id),
    ]),
    ...on(paymentEvents, change, (was, is) => checkStep('webhook', was?.state, is.state)),
    ...on(mails, change, (was, is) => checkStep('mail', was?.state, is.state)),
    ...on(outbox, change, was => (was === null ? [] : [`a message is changed after it was written: ${was.type}`])),
  ]
  return wrong
}

function on<Row extends object>(
  table: Table<Row>,
  change: Change,
  check: (was: Row | null, is: Row) => string[],
): string[] {
  return change.table === (table as unknown) ? check(change.before as Row | null, change.after as Row) : []
}

function checkStep(what: keyof typeof steps, was: string | undefined, is: string): string[] {
  if (was === is && what !== 'seat') return []
  const known: Steps = steps[what]
  return known[was ?? 'new']?.includes(is) ? [] : [`a ${what} that is ${was ?? 'new'} becomes ${is}`]
}

function checkRises(what: string, was: number | undefined, is: number): string[] {
  return was === undefined || was <= is ? [] : [`the ${what} goes from ${was} back to ${is}`]
}

function checkSame(what: string, was: unknown, is: unknown): string[] {
  return was === undefined || was === is ? [] : [`the ${what} changes from ${was} to ${is}`]
}

/** Whoever had a seat has no claim to it any more, and whoever has it now has the right one. */
function checkHolder(town: Town, was: SeatRow | null, is: SeatRow): string[] {
  const find = (id: string | null | undefined): ReservationRow | undefined =>
    town.database.rows(reservations).find(row => row.reservationId === id)
  const wrong: string[] = []
  const left = was?.reservationId === is.reservationId ? undefined : find(was?.reservationId)
  if (left?.state === 'pending_payment' && (left.reservedAt !== null || left.expiresAt > town.timeline.now()))
    wrong.push(`seat ${is.seatNo} is taken from ${left.reservationId}, which is live`)
  if (is.reservationId === null) return wrong
  const holder = find(is.reservationId)
  if (holder === undefined || !maySit(is.status, holder))
    wrong.push(`seat ${is.seatNo} is ${is.status} of ${is.reservationId}, which is ${holder?.state}`)
  return wrong
}

function maySit(status: SeatRow['status'], { state, reservedAt }: ReservationRow): boolean {
  if (status === 'sold') return state === 'confirmed'
  if (status === 'held') return state === 'pending_payment' && reservedAt === null
  // A late payment that is captured has its places again and is still expired.
  return reservedAt !== null && (state === 'pending_payment' || state === 'expired')
}
