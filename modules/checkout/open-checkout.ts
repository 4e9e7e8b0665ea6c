import { OutcomeUnknown, RetryableFault } from '#kernel/faults.ts'
import { newId, type ReservationId, type UserId } from '#kernel/ids.ts'
import {
  bindRef,
  findPayment,
  type Intent,
  insertPayment,
  isOpen,
  lockPaymentOf,
  movePayment,
  noteCreateSent,
  noteQueued,
  type PaymentRecord,
  ProviderRefusal,
  planLook,
} from '#payments'
import type { Tx } from '#platform/postgres/database.ts'
import { lockReservation, type ReservationRecord, reservePlaces, sellPlaces, stateAt } from '#reservations'
import type { CheckoutDeps } from './ports.ts'
import { extendQueued } from './queue-checkout.sql.ts'
import { issue } from './settle-payment.ts'
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
  | { kind: 'refused'; code: CheckoutRefusal; retryAfterSeconds?: number }

export type CheckoutRefusal =
  | 'not-found'
  | 'reservation-expired'
  | 'already-cancelled'
  | 'already-confirmed'
  | 'amount-not-chargeable'
  | 'payments-unavailable'

/** A buyer waits for the answer; a call queued for longer than this would find nobody. */
const waitMaxMs = 4000
/** Until then the caller itself asks the provider; after that a job finds what was left unfinished. */
const unfinishedMs = 15_000
const queuedLookMs = 2000
/** How long two calls for one payment may be in each other's way. */
const meetingMs = 1500

type Opened =
  | { kind: 'payment'; payment: PaymentRecord; reservation: ReservationRecord }
  | Extract<CheckoutAnswer, { kind: 'not-required' | 'refused' }>

export function createOpenCheckout(
  deps: CheckoutDeps & {
    /** Whether the provider takes this amount at all; amounts are the organiser's prices, so this is told before anything moves. */
    isChargeable: (amount: number, currency: string) => boolean
    holdPolicyOf: (eventNo: number) => Promise<{ extensionSeconds: number }>
  },
): OpenCheckout {
  const { db, provider, logger, origin } = deps
  const underWay = new Map<string, Promise<Intent>>()

  return async command => {
    const opened = await db.transaction(tx => open(tx, command))
    if (opened.kind !== 'payment') return opened
    const { payment } = opened
    if (payment.status === 'cancelled') return { kind: 'refused', code: 'already-cancelled' }
    if (!isOpen(payment.status)) return { kind: 'refused', code: 'already-confirmed' }
    try {
      const intent =
        payment.providerRef === null ? await createOnce(payment) : await provider.retrieve(payment.providerRef)
      return { kind: 'ready', payment: { ...payment, providerRef: intent.ref }, intent }
    } catch (error) {
      if (error instanceof RetryableFault || error instanceof OutcomeUnknown) return queue(payment)
      if (!(error instanceof ProviderRefusal)) throw error
      logger.error(
        { payment_id: payment.paymentId, code: error.code },
        'the payment provider refuses to take a payment',
      )
      return { kind: 'refused', code: 'payments-unavailable', retryAfterSeconds: 30 }
    }
  }

  /**
   * A page that checks out twice at once must not be told that the provider is away, because the second call met the first one: in
   * this process they share the answer, between processes the second waits for what the first binds.
   */
  async function createOnce(payment: PaymentRecord): Promise<Intent> {
    const running = underWay.get(payment.paymentId)
    if (running !== undefined) return running
    const creating = createPatiently(payment)
    underWay.set(payment.paymentId, creating)
    return creating.finally(() => underWay.delete(payment.paymentId))
  }

  async function createPatiently(payment: PaymentRecord): Promise<Intent> {
    const giveUpAt = deps.clock.monotonic() + meetingMs
    for (;;) {
      try {
        return await createIntent(deps, payment)
      } catch (error) {
        const mayHaveMet = error instanceof RetryableFault && provider.breaker() === 'closed'
        if (!mayHaveMet || deps.clock.monotonic() > giveUpAt) throw error
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
    if (state !== 'pending_payment') return { kind: 'refused', code: endOf[state] }
    if (payment !== null) return { kind: 'payment', payment, reservation }

    if (reservation.amount === 0) {
      await sellPlaces(tx, { reservation, from: 'held', late: false, now, origin })
      const sale = { ...reservation, paymentId: newId('pay', deps, eventNo), name: command.name, revision: 1 }
      await issue(tx, deps, { payment: sale, reservation, now })
      return { kind: 'not-required' }
    }
    if (!deps.isChargeable(reservation.amount, reservation.currency))
      return { kind: 'refused', code: 'amount-not-chargeable' }
    const isAway = provider.breaker() === 'open'
    const waitMs = provider.waitMs('create')
    if (!isAway && waitMs > Math.min(waitMaxMs, reservation.expiresAt - now))
      return { kind: 'refused', code: 'payments-unavailable', retryAfterSeconds: Math.ceil(waitMs / 1000) }

    const { extensionSeconds } = await deps.holdPolicyOf(eventNo)
    const extendTo = isAway ? reservation.expiresAt + extensionSeconds * 1000 : reservation.expiresAt
    const moved = await reservePlaces(tx, { reservation, now, origin, extendTo })
    // In time by the clock, and yet somebody has one of its seats: the clock was set back. They have it, this has ended.
    if (moved === null) return { kind: 'refused', code: 'reservation-expired' }
    const made = await insertPayment(tx, {
      eventNo,
      paymentId: newId('pay', deps, eventNo),
      reservationId,
      userId,
      provider: provider.name,
      amount: reservation.amount,
      currency: reservation.currency,
      email: command.email,
      name: command.name,
      createdAt: now,
      nextLookAt: now + (isAway ? queuedLookMs : unfinishedMs),
      queuedAt: isAway ? now : null,
      traceparent: command.traceparent,
    })
    if (isAway) await tellPayment(tx, made, { type: 'CheckoutQueued', data: { hold_until: extendTo } }, origin)
    return { kind: 'payment', payment: made, reservation }
  }

  /** Nobody knows when the provider will answer: the buyer is told to come back, and gets more time once. */
  async function queue(payment: PaymentRecord): Promise<CheckoutAnswer> {
    const { eventNo, reservationId } = payment
    const { extensionSeconds } = await deps.holdPolicyOf(eventNo)
    await db.transaction(async tx => {
      const found = await lockReservation(tx, eventNo, reservationId)
      const locked = await lockPaymentOf(tx, payment)
      if (found === null || locked === null || !isOpen(locked.status)) return
      const isFirst = await noteQueued(tx, locked, found.now)
      await planLook(tx, locked, found.now + queuedLookMs)
      if (!isFirst) return
      const until = await extendQueued(tx, { reservation: found.reservation, extensionSeconds })
      const news = { ...locked, revision: locked.revision + 1 }
      await tellPayment(tx, news, { type: 'CheckoutQueued', data: { hold_until: until } }, origin)
    })
    return { kind: 'queued', payment }
  }
}

const endOf = {
  expired: 'reservation-expired',
  cancelled: 'already-cancelled',
  confirmed: 'already-confirmed',
} as const

/**
 * Creates the intent of a payment and binds it. The payment's id is the key, so that any number of calls, from any process, makes one
 * intent.
 */
export async function createIntent(deps: CheckoutDeps, payment: PaymentRecord): Promise<Intent> {
  const { db, provider } = deps
  // Not even sent: then it stays certain that the provider has nothing of it.
  if (provider.breaker() === 'open') throw new RetryableFault('the payment provider is away')
  // Given up meanwhile: nobody may be led to pay for nothing.
  const mayExist = await db.transaction(tx => noteCreateSent(tx, payment))
  if (!mayExist) throw new RetryableFault('the payment has ended')
  const intent = await provider.create({
    paymentId: payment.paymentId,
    amount: payment.amount,
    currency: payment.currency,
    description: `Reservation ${payment.reservationId}`,
    metadata: {
      reservation_id: payment.reservationId,
      ...(payment.traceparent !== null && { traceparent: payment.traceparent }),
    },
  })
  await db.transaction(async tx => {
    const found = await lockReservation(tx, payment.eventNo, payment.reservationId)
    const locked = await lockPaymentOf(tx, payment)
    if (found === null || locked === null || !(await bindRef(tx, locked, intent.ref)) || !isOpen(locked.status)) return
    // Nothing to ask before the hold ends, unless the provider tells.
    if (locked.status === 'open') await planLook(tx, locked, Math.max(found.now, found.reservation.expiresAt))
    if (locked.queuedAt === null) return
    const ready = await movePayment(tx, locked, { status: locked.status, nextLookAt: found.reservation.expiresAt })
    const news = { type: 'CheckoutReady', data: { hold_until: found.reservation.expiresAt } } as const
    await tellPayment(tx, ready, news, deps.origin)
  })
  return intent
}
