import { type ReservationId, toUuid } from '#kernel/ids.ts'
import { isOpen } from '#payments'
import { type PaymentRow, paymentEvents, payments, refunds } from '#payments/memory'
import { areas, outbox, reservations, seats } from '#reservations/memory'
import { type TicketRow, tickets } from '#tickets/memory'
import { unreadOf } from './check-messages.ts'
import type { Town } from './town.ts'

/** Whether nothing is left to do: no hold, no open payment, no pending refund, no event, message or mail that waits. */
export function isAtRest(town: Town): boolean {
  const { database } = town
  return (
    unreadOf(town).length === 0 &&
    database.rows(reservations).every(row => row.state !== 'pending_payment' && row.reservedAt === null) &&
    database.rows(payments).every(row => row.next_look_at === null && !isOpen(row.status)) &&
    database.rows(refunds).every(row => row.status !== 'pending') &&
    database.rows(paymentEvents).every(row => row.state !== 'stored')
  )
}

/** What does not rest, for the message of a run that has no end. */
export function restless(town: Town): string[] {
  const { database } = town
  return [
    ...unreadOf(town),
    ...database.rows(reservations).flatMap(row => {
      const isLive = row.state === 'pending_payment' || row.reservedAt !== null
      return isLive ? [`${row.reservationId} is ${row.state}, reserved ${row.reservedAt !== null}`] : []
    }),
    ...database
      .rows(payments)
      .flatMap(row => (isOpen(row.status) ? [`a payment is ${row.status}, looked at ${row.looks} times`] : [])),
    ...database
      .rows(refunds)
      .flatMap(row => (row.status === 'pending' ? [`a refund is pending: ${row.last_error}`] : [])),
    ...database
      .rows(paymentEvents)
      .flatMap(row => (row.state === 'stored' ? [`${row.type} is stored, ${row.attempts} attempts`] : [])),
  ]
}

/** What must hold whenever a transaction has been committed, whatever is under way. */
export function checkAlways(town: Town): string[] {
  const { database } = town
  const wrong: string[] = []
  const live = database.rows(tickets).filter(ticket => ticket.status !== 'void')
  const paid = new Map(database.rows(payments).map(payment => [payment.reservation_id, payment]))
  const sold = new Map(database.rows(seats).map(seat => [seat.seatNo, seat]))
  for (const ticket of live) {
    const payment = paid.get(ticket.reservation_id)
    // No ticket before the money.
    if (payment === undefined || payment.captured_amount < payment.amount)
      wrong.push(`a ticket of ${ticket.reservation_id} without its money`)
    const seat = ticket.seat_no === null ? null : sold.get(ticket.seat_no)!
    if (seat !== null && (seat.status !== 'sold' || toUuid(seat.reservationId!) !== ticket.reservation_id))
      wrong.push(`a ticket for seat ${ticket.seat_no}, which is ${seat.status} and of ${seat.reservationId}`)
  }
  for (const seat of sold.values())
    if (seat.status === 'sold' && !live.some(ticket => ticket.seat_no === seat.seatNo))
      wrong.push(`seat ${seat.seatNo} is sold and has no ticket`)
  const now = town.timeline.now()
  for (const row of database.rows(reservations)) {
    // A hold is never given away before its time, by whichever clock.
    if (row.state === 'expired' && row.endedAt! < row.expiresAt)
      wrong.push(`${row.reservationId} expired ${row.expiresAt - row.endedAt!} ms before its end`)
    if (row.state === 'expired' && row.expiresAt > now)
      wrong.push(`${row.reservationId} expired ${row.expiresAt - now} ms before its end`)
    const isLive = row.state === 'pending_payment' && (row.reservedAt !== null || row.expiresAt > now)
    if (isLive && row.seats.some(({ seatNo }) => sold.get(seatNo)!.reservationId !== row.reservationId))
      wrong.push(`${row.reservationId} is live and a seat of it is somebody else's`)
  }
  wrong.push(...checkFreed(town), ...checkKeys(town))
  return wrong
}

/** How long the places of an open payment wait for the bank after the end of the hold, at least. */
const patienceMs = 60_000

/** Nobody's seats are given away while their payment may still become a sale. */
function checkFreed({ database, bank }: Town): string[] {
  const open = database.rows(payments).filter(payment => isOpen(payment.status))
  const orders = new Map(database.rows(reservations).map(row => [toUuid(row.reservationId), row]))
  return open.flatMap(payment => {
    const order = orders.get(payment.reservation_id)!
    if (order.state !== 'expired' || order.reservedAt !== null) return []
    const intent = bank.sandbox.tables.intents.get(payment.provider_ref ?? '')
    if (intent?.status === 'succeeded' && !bank.byHand.has(intent.id))
      return [`${order.reservationId} has lost its places while we took its money`]
    const waitedMs = order.endedAt! - order.expiresAt
    return waitedMs < patienceMs ? [`${order.reservationId} lost its places ${waitedMs} ms after its end, unpaid`] : []
  })
}

/** A key makes one reservation, and a buyer has one at a time. */
function checkKeys({ database }: Town): string[] {
  const rows = database.rows(reservations)
  const keys = Map.groupBy(rows, row => `${row.userId} ${row.keyHash}`)
  const live = Map.groupBy(
    rows.filter(row => row.state === 'pending_payment'),
    row => row.userId,
  )
  return [
    ...[...keys.values()].filter(made => made.length > 1).map(made => `one key made ${made.length} reservations`),
    ...[...live.values()].filter(held => held.length > 1).map(held => `one buyer holds ${held.length} reservations`),
  ]
}

/** What must hold once everything has come to rest. */
export function checkAtRest(town: Town): string[] {
  const { database, bank } = town
  const wrong = checkAlways(town)
  const live = database.rows(tickets).filter(ticket => ticket.status !== 'void')
  const given = database.rows(refunds).filter(refund => refund.status === 'succeeded')
  const intents = new Map(bank.intents().map(intent => [intent.id, intent]))

  for (const payment of database.rows(payments)) wrong.push(...checkMoney(payment, { live, given, intents }))
  const known = new Set(database.rows(payments).map(payment => payment.provider_ref))
  const intentsOf = Map.groupBy(intents.values(), intent => intent.metadata.payment_id)
  for (const [paymentId, made] of intentsOf) {
    const alive = made.filter(intent => intent.status !== 'canceled')
    if (alive.length > 1) wrong.push(`${paymentId} has ${alive.length} intents that could be paid`)
  }
  for (const intent of intents.values()) {
    if (!known.has(intent.id) && intent.amount_received > 0) wrong.push(`${intent.id} took money that nobody knows of`)
    if (intent.status === 'requires_capture' || intent.status === 'processing')
      wrong.push(`${intent.id} is left ${intent.status}`)
  }

  for (const seat of database.rows(seats))
    if (seat.status === 'held' || seat.status === 'reserved') wrong.push(`seat ${seat.seatNo} is left ${seat.status}`)
  for (const area of database.rows(areas)) {
    const held = live.filter(ticket => ticket.area_no === area.areaNo).length
    if (area.available + area.setAside + held !== area.capacity)
      wrong.push(
        `area ${area.areaNo}: ${area.available} free, ${area.setAside} aside, ${held} sold of ${area.capacity}`,
      )
  }
  wrong.push(...checkPromises(town), ...checkMessages(town))
  return wrong
}

type Books = {
  live: readonly TicketRow[]
  given: readonly { payment_id: string; amount: number }[]
  intents: ReadonlyMap<string, { amount_received: number; latest_charge: string | null }>
}

/** What was taken is what the tickets cost and what went back, here and at the bank. */
function checkMoney(payment: PaymentRow, { live, given, intents }: Books): string[] {
  const wrong: string[] = []
  const value = live
    .filter(ticket => ticket.reservation_id === payment.reservation_id)
    .reduce((sum, ticket) => sum + ticket.amount, 0)
  const back = given
    .filter(refund => refund.payment_id === payment.payment_id)
    .reduce((sum, refund) => sum + refund.amount, 0)
  if (payment.status !== 'quarantined' && payment.captured_amount - back !== value)
    wrong.push(`payment ${payment.status}: ${payment.captured_amount} taken, ${back} back, tickets for ${value}`)
  // The only thing in this town that does not fit is a part that somebody captured by hand.
  if (payment.status === 'quarantined' && payment.quarantine_reason !== 'captured-amount-differs')
    wrong.push(`a payment is quarantined: ${payment.quarantine_reason}`)
  const received = payment.provider_ref === null ? 0 : (intents.get(payment.provider_ref)?.amount_received ?? 0)
  if (received !== payment.captured_amount)
    wrong.push(`the bank took ${received} where we say ${payment.captured_amount} (${payment.status})`)
  return wrong
}

/** Nothing that somebody was told is taken back. */
function checkPromises({ orders, database }: Town): string[] {
  const rows = new Map(database.rows(reservations).map(row => [row.reservationId as ReservationId, row]))
  return orders.flatMap(order => {
    const row = rows.get(order.reservationId)
    if (row === undefined) return [`${order.reservationId} was acknowledged and is not there`]
    // One whose hold ended while the bank was asked has ended, and not been cancelled; the buyer has nothing of either.
    const isOver = row.state === 'cancelled' || row.state === 'expired'
    if (row.expiresAt < order.until) return [`${row.reservationId} was promised for longer than it is held`]
    if (order.cancelled && !isOver) return [`${row.reservationId} was cancelled and is ${row.state}`]
    return []
  })
}

/** Of each subject, revisions rise in the order of the log, and what happens once is told once. */
function checkMessages({ database }: Town): string[] {
  const wrong: string[] = []
  const last = new Map<string, number>()
  const once = new Map<string, number>()
  for (const row of database.rows(outbox).sort((a, b) => a.position - b.position)) {
    if (row.subject === null) continue
    const before = last.get(row.subject) ?? 0
    if (row.revision < before) wrong.push(`${row.type} of ${row.subject}: revision ${row.revision} after ${before}`)
    last.set(row.subject, row.revision)
    if (['SeatsSold', 'TicketsIssued', 'PaymentSucceeded', 'ReservationCreated'].includes(row.type)) {
      const key = `${row.type} of ${row.subject}`
      once.set(key, (once.get(key) ?? 0) + 1)
    }
  }
  for (const [what, times] of once) if (times > 1) wrong.push(`${what} was told ${times} times`)
  return wrong
}
