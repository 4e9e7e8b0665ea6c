import { assert } from '#kernel/assert.ts'
import { isPassing, RetryableFault, TerminalFault } from '#kernel/faults.ts'
import { newId, type ReservationId, type UserId } from '#kernel/ids.ts'
import {
  findPayment,
  type Intent,
  insertPayment,
  isOpen,
  lockPaymentOf,
  noteQueued,
  type PaymentRecord,
  ProviderRefusal,
  planLook,
} from '#payments'
import type { Tx } from '#platform/postgres/database.ts'
import { lockReservation, type ReservationRecord, reservePlaces, sellPlaces, stateAt } from '#reservations'
import { createIntent } from './create-intent.ts'
import { eventPolicy } from './event-policy.sql.ts'
import type { PayTurns } from './pay-turns.ts'
import type { CheckoutDeps } from './ports.ts'
import { extendQueued } from './queue-checkout.sql.ts'
import { issueTickets } from './sell-order.ts'
import { tellPayment } from './tell.sql.ts'

/**
 * Opens the payment of a reservation, or comes back to the one it has: the same wish again gives the same intent.
 *
 *   judge under the lock -> seats held -> reserved, payment row committed -> intent created -> bound to the row
 *
 * The row comes first, so that an intent that exists at the provider is always known here, whatever breaks in between. While the
 * provider is away the row stands, the buyer gets more time once, and a job creates the intent when the provider is back. When so many
 * wait that the intent would come too late, the buyer is told before anything is changed, and keeps the hold to its end.
 */
export type OpenCheckout = (command: CheckoutCommand) => Promise<CheckoutAnswer>

export type CheckoutCommand = {
  eventNo: number
  reservationId: ReservationId
  userId: UserId
  email: string
  name: string
  /** W3C trace context of the request, carried to messages and to the provider's metadata. */
  traceparent: string | null
}

export type CheckoutAnswer =
  | { kind: 'ready'; payment: PaymentRecord; intent: Intent }
  | { kind: 'queued'; payment: PaymentRecord }
  | { kind: 'not-required' }
  /** `inTime` false: the hold will have ended before there is a turn to pay, unless others give up. */
  | { kind: 'refused'; code: CheckoutRefusal; retryAfterSeconds?: number; inTime?: boolean }

export type CheckoutRefusal =
  | 'not-found'
  | 'reservation-expired'
  | 'already-cancelled'
  | 'already-confirmed'
  | 'not-on-sale'
  | 'amount-not-chargeable'
  | 'payments-unavailable'

/** A buyer waits for the answer; a call queued for longer than this would find nobody. */
export const waitMaxMs = 4000
/** Until then the caller itself asks the provider; after that a job finds what was left unfinished. */
const unfinishedMs = 15_000
const queuedLookMs = 2000
/** How long two calls for one payment may be in each other's way. */
const meetingMs = 1500

type Opened =
  | { kind: 'payment'; payment: PaymentRecord; isNew: boolean }
  | Extract<CheckoutAnswer, { kind: 'not-required' | 'refused' }>

type Found = { reservation: ReservationRecord; now: number }

export function createOpenCheckout(
  deps: CheckoutDeps & {
    /** Whether the provider takes this amount at all; amounts are the organiser's prices, so this is told before anything moves. */
    isChargeable: (amount: number, currency: string) => boolean
    holdPolicyOf: (eventNo: number) => Promise<{ extensionSeconds: number }>
    turns: PayTurns
  },
): OpenCheckout {
  const { db, provider, logger, counts, origin, turns } = deps
  const underWay = new Map<string, Promise<Intent>>()

  return async command => {
    const opened = await db.transaction(tx => open(tx, command))
    if (opened.kind !== 'payment') return opened
    const { payment, isNew } = opened
    try {
      const intent =
        payment.providerRef === null ? await createOnce(payment, isNew) : await provider.retrieve(payment.providerRef)
      return { kind: 'ready', payment: { ...payment, providerRef: intent.ref }, intent }
    } catch (error) {
      if (isPassing(error)) return queue(payment)
      if (!(error instanceof ProviderRefusal || error instanceof TerminalFault)) throw error
      logger.error({ err: error, payment_id: payment.paymentId }, 'the payment provider refuses to take a payment')
      counts.outcomes.inc({ provider: provider.id, outcome: 'create-refused', reason: refusalOf(error) })
      return { kind: 'refused', code: 'payments-unavailable', retryAfterSeconds: 30 }
    }
  }

  /**
   * A page that checks out twice at once must not be told that the provider is away, because the second call met the first one: in
   * this process they share the answer, between processes the second waits for what the first binds.
   */
  async function createOnce(payment: PaymentRecord, isNew: boolean): Promise<Intent> {
    const running = underWay.get(payment.paymentId)
    if (running !== undefined) return running
    const creating = createPatiently(payment, isNew)
    underWay.set(payment.paymentId, creating)
    return creating.finally(() => underWay.delete(payment.paymentId))
  }

  async function createPatiently(payment: PaymentRecord, isNew: boolean): Promise<Intent> {
    let isFirst = isNew || payment.createSentAt === null
    const giveUpAt = deps.clock.monotonic() + meetingMs
    for (;;) {
      try {
        return await createIntent(deps, payment, { isFirst })
      } catch (error) {
        const mayHaveMet = error instanceof RetryableFault && provider.breaker() === 'closed'
        if (!mayHaveMet || deps.clock.monotonic() > giveUpAt) throw error
        isFirst = false
        await deps.clock.sleep(200)
        const now = await findPayment(db, payment.eventNo, payment.paymentId)
        if (now?.providerRef != null) return provider.retrieve(now.providerRef)
      }
    }
  }

  async function open(tx: Tx, command: CheckoutCommand): Promise<Opened> {
    const { eventNo, reservationId, userId } = command
    const found = await lockReservation(tx, eventNo, reservationId)
    if (found === null || found.reservation.userId !== userId) return { kind: 'refused', code: 'not-found' }
    const { reservation, now } = found
    const payment = await lockPaymentOf(tx, { eventNo, reservationId })
    const state = stateAt(reservation, now)
    if (state === 'confirmed' && payment?.amount === 0) return { kind: 'not-required' }
    if (state !== 'pending_payment') return { kind: 'refused', code: endOf[state] }
    if (payment !== null) {
      // Until the last word of the provider it counts as live; but nobody begins to pay for what has run out.
      if (payment.status === 'open' && reservation.expiresAt <= now)
        return { kind: 'refused', code: 'reservation-expired' }
      return { kind: 'payment', payment, isNew: false }
    }
    if ((await eventPolicy(tx, eventNo)).status === 'cancelled') return { kind: 'refused', code: 'not-on-sale' }

    if (reservation.amount === 0) return giveAway(tx, command, { reservation, now })
    if (!deps.isChargeable(reservation.amount, reservation.currency))
      return { kind: 'refused', code: 'amount-not-chargeable' }
    const isAway = provider.breaker() === 'open'
    const turn = turns.ask(reservationId, {
      laneMs: isAway ? 0 : provider.waitMs('create'),
      endsInMs: reservation.expiresAt - now,
    })
    if (turn.waitMs > 0) {
      const retryAfterSeconds = Math.ceil(turn.waitMs / 1000)
      return { kind: 'refused', code: 'payments-unavailable', retryAfterSeconds, inTime: turn.inTime }
    }

    const { extensionSeconds } = await deps.holdPolicyOf(eventNo)
    const extendTo = isAway ? reservation.expiresAt + extensionSeconds * 1000 : reservation.expiresAt
    const moved = await reservePlaces(tx, { reservation, now, origin, extendTo })
    // In time by the clock, and yet somebody has one of its seats: the clock was set back. They have it, this has ended.
    if (moved === null) return { kind: 'refused', code: 'reservation-expired' }
    const made = await insertPayment(tx, {
      ...newPayment(command, { reservation, now }),
      provider: provider.id,
      nextLookAt: now + (isAway ? queuedLookMs : unfinishedMs),
      queuedAt: isAway ? now : null,
    })
    if (isAway) await tellPayment(tx, made, { type: 'CheckoutQueued', data: { hold_until: extendTo } }, origin)
    return { kind: 'payment', payment: made, isNew: true }
  }

  /** Nothing to pay: sold at once. The payment of 0 says whom to write to. */
  async function giveAway(tx: Tx, command: CheckoutCommand, { reservation, now }: Found): Promise<Opened> {
    const { traceparent } = command
    const moved = await sellPlaces(tx, { reservation, from: 'held', late: false, now, origin, traceparent })
    if (moved === null) return { kind: 'refused', code: 'reservation-expired' }
    const payment = await insertPayment(tx, {
      ...newPayment(command, { reservation, now }),
      provider: 'none',
      nextLookAt: null,
      queuedAt: null,
    })
    await issueTickets(tx, deps, { payment, reservation, now })
    return { kind: 'not-required' }
  }

  function newPayment(command: CheckoutCommand, { reservation, now }: Found) {
    const { eventNo, reservationId, userId, email, name, traceparent } = command
    const { amount, currency } = reservation
    const paymentId = newId('pay', deps, eventNo)
    return { eventNo, paymentId, reservationId, userId, amount, currency, email, name, traceparent, createdAt: now }
  }

  /** Nobody knows when the provider will answer: the buyer is told to come back, and gets more time once. */
  async function queue(payment: PaymentRecord): Promise<CheckoutAnswer> {
    const { eventNo, reservationId } = payment
    const { extensionSeconds } = await deps.holdPolicyOf(eventNo)
    return db.transaction(async (tx): Promise<CheckoutAnswer> => {
      const found = await lockReservation(tx, eventNo, reservationId)
      const locked = await lockPaymentOf(tx, payment)
      assert(found !== null && locked !== null, 'a payment stays with its reservation')
      const { state, reservedAt, expiresAt } = found.reservation
      // Ended while we asked, by whoever else has news of it.
      if (state === 'confirmed') return { kind: 'refused', code: 'already-confirmed' }
      if (locked.status === 'cancelled' && state === 'cancelled') return { kind: 'refused', code: 'already-cancelled' }
      if (!isOpen(locked.status) || state !== 'pending_payment' || reservedAt === null)
        return { kind: 'refused', code: 'reservation-expired' }
      // It can be paid, and only its secret cannot be had at the moment.
      if (locked.providerRef !== null) return { kind: 'refused', code: 'payments-unavailable', retryAfterSeconds: 2 }
      // Ended long ago, as for a process that stood still: more time, counted from the end, would be over as well.
      const moreMs = locked.queuedAt === null ? extensionSeconds * 1000 : 0
      if (expiresAt + moreMs <= found.now) return { kind: 'refused', code: 'reservation-expired' }
      const isFirst = await noteQueued(tx, locked, found.now)
      await planLook(tx, locked, found.now + queuedLookMs)
      if (!isFirst) return { kind: 'queued', payment: locked }
      const until = await extendQueued(tx, { reservation: found.reservation, extensionSeconds })
      const news = { ...locked, revision: locked.revision + 1 }
      await tellPayment(tx, news, { type: 'CheckoutQueued', data: { hold_until: until } }, origin)
      return { kind: 'queued', payment: locked }
    })
  }
}

function refusalOf(error: ProviderRefusal | TerminalFault): string {
  return error instanceof ProviderRefusal ? error.code : 'key-refused'
}

const endOf = {
  expired: 'reservation-expired',
  cancelled: 'already-cancelled',
  confirmed: 'already-confirmed',
} as const
