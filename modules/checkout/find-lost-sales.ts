import type { Clock } from '#kernel/clock.ts'
import { eventNoOf, newId, type ReservationId, toUuid } from '#kernel/ids.ts'
import type { Random } from '#kernel/random.ts'
import {
  findPayment,
  findPaymentsByRef,
  type Intent,
  insertLostPayment,
  insertRefund,
  isAnothers,
  isOpen,
  lookSooner,
  type PaymentProvider,
  type PaymentRecord,
  ProviderRefusal,
} from '#payments'
import type { Database, Tx } from '#platform/postgres/database.ts'
import { findOwner, insertLostReservation } from './lost-reservation.sql.ts'
import { agree } from './reconcile.ts'

/** What the provider has since some moment, and what the record says of it. */
export type LostSales = {
  intents: number
  /** Known, and both say the same. */
  agreed: number
  /** Forgotten, and nothing was charged: let go now. */
  cancelled: number
  /** Forgotten and paid: owed back in full from now on. */
  refunded: number
  refundedAmount: number
  /** Known, and the running server has still to settle it; or the provider has. */
  waiting: { ref: string; status: Intent['status']; why: string }[]
  /** Captured money that nothing in the record speaks of. */
  unexplainedCaptures: number
  /** Without a word of ours: of another shop on this account. */
  foreign: number
}

export type FindLostSales = {
  db: Database
  provider: PaymentProvider
  clock: Clock
  random: Random
}

/**
 * After a restore or a promotion that lost the end of the record: goes through what the provider has since then. What is known is left to
 * settling, which the running server does. What is not known was promised in the part that is lost. Its seats may be somebody else's by
 * now, so nothing is sold again: what is only authorised is let go, and what was captured goes back, with rows that the books know.
 * May be run any number of times.
 */
export async function findLostSales(
  { db, provider, clock, random }: FindLostSales,
  { since, dryRun, tell = () => {} }: { since: number; dryRun: boolean; tell?: (line: string) => void },
): Promise<LostSales> {
  const found: LostSales = {
    intents: 0,
    agreed: 0,
    cancelled: 0,
    refunded: 0,
    refundedAmount: 0,
    waiting: [],
    unexplainedCaptures: 0,
    foreign: 0,
  }
  let after: string | undefined
  for (;;) {
    const { items, hasMore } = await provider.list({ createdSince: since, ...(after !== undefined && { after }) })
    const refs = items.map(intent => intent.ref)
    const bound = await findPaymentsByRef(db, provider.id, refs)
    for (const intent of items) await explain(intent, bound.get(intent.ref) ?? (await byId(intent)))
    tell(`${found.intents} payments of the provider compared`)
    if (!hasMore || items.length === 0) return found
    after = items.at(-1)!.ref
  }

  async function byId({ paymentId }: Intent): Promise<PaymentRecord | null> {
    if (paymentId === null) return null
    const eventNo = eventNoOf(paymentId)
    return eventNo <= 0x7fffffff ? findPayment(db, eventNo, paymentId) : null
  }

  async function explain(intent: Intent, payment: PaymentRecord | null): Promise<void> {
    found.intents++
    if (payment !== null) return await compare(intent, payment)
    if (intent.paymentId === null || isAnothers(intent, provider)) return void found.foreign++
    if (intent.status === 'captured') return await owe(intent)
    if (intent.status === 'cancelled') return void found.agreed++
    if (dryRun || intent.status === 'processing') return wait(intent, 'forgotten')
    const after = await letGo(intent)
    if (after.status === 'captured') return await owe(after)
    if (after.status !== 'cancelled') return wait(after, 'forgotten')
    found.cancelled++
  }

  async function compare(intent: Intent, payment: PaymentRecord): Promise<void> {
    if (agree(payment, intent)) return void found.agreed++
    wait(intent, `the record says ${payment.status}`)
    if (intent.status === 'captured') found.unexplainedCaptures++
    if (!dryRun && isOpen(payment.status)) await lookSooner(db, payment, 0)
  }

  async function owe(intent: Intent): Promise<void> {
    if (dryRun) {
      found.unexplainedCaptures++
      return wait(intent, 'forgotten')
    }
    const isNew = await db.transaction(tx => writeDown(tx, intent))
    if (!isNew) return void found.agreed++
    found.refunded++
    found.refundedAmount += intent.amountCaptured
  }

  async function writeDown(tx: Tx, intent: Intent): Promise<boolean> {
    const paymentId = intent.paymentId!
    const eventNo = eventNoOf(paymentId)
    const source = { clock, random }
    // The hold may have been remembered and its payment not; then that is whose it was. What it holds ends by itself.
    const owner = intent.reservationId == null ? null : await findOwner(tx, eventNo, intent.reservationId)
    const isTaken = owner?.hasPayment === true
    const reservationId: ReservationId =
      intent.reservationId == null || isTaken ? newId('rsv', source, eventNo) : intent.reservationId
    const userId = owner !== null && !isTaken ? owner.userId : newId('usr', source)
    const { amountCaptured: amount, currency, createdAt } = intent
    if (owner === null || isTaken)
      await insertLostReservation(tx, {
        eventNo,
        reservationId,
        userId,
        amount,
        currency,
        createdAt,
        keyHash: toUuid(paymentId),
      })
    const lost = { eventNo, paymentId, reservationId, userId, provider: provider.id, providerRef: intent.ref }
    if (!(await insertLostPayment(tx, { ...lost, amount, currency, createdAt }))) return false
    await insertRefund(tx, {
      eventNo,
      refundId: newId('rfd', source, eventNo),
      paymentId,
      reason: 'lost-sale',
      sequence: 1,
      amount,
      currency,
      requestedBy: null,
      note: 'the record of this sale was lost in a restore or a promotion',
      now: clock.now(),
    })
    return true
  }

  async function letGo(intent: Intent): Promise<Intent> {
    try {
      return await provider.cancel(intent.ref)
    } catch (error) {
      if (error instanceof ProviderRefusal && error.intent !== null) return error.intent
      throw error
    }
  }

  function wait({ ref, status }: Intent, why: string): void {
    found.waiting.push({ ref, status, why })
  }
}
