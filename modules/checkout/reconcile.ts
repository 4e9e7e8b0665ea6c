import { eventNoOf } from '#kernel/ids.ts'
import {
  findPayment,
  findPaymentsByRef,
  type Intent,
  isAnothers,
  leaseCursor,
  moveCursor,
  type PaymentRecord,
  type ProviderEvent,
  storeEvents,
} from '#payments'
import type { Job } from '#platform/jobs/periodic.ts'
import type { CheckoutDeps } from './ports.ts'
import type { SettlePayment } from './settle-payment.ts'

const everyMs = 60_000
const leaseMs = 50_000
/** Events may appear in the list some time after they were made. */
const overlapMs = 5 * 60_000
/** In one turn, which has to end before its lease does. */
const pagesMax = 60
/** What was told once is told again after so many others; better than a set that grows for ever. */
const toldMax = 10_000

/** A reading of the list that takes several turns. */
type Scan = { createdSince: number; startedAt: number; after: string | null }

/**
 * What the provider would have told by webhook is in its list too: every minute it is read from where it was read last, into the same
 * inbox, where what came already is known by its id. A webhook that never comes is thus healed within a minute or two. Then the intents of
 * the last minutes are compared with our payments.
 */
export function reconcileJob(deps: CheckoutDeps & { settle: SettlePayment; onStored: () => void }): Job {
  const { db, provider, counts, logger, onStored } = deps
  const told = new Set<string>()
  let scan: Scan | null = null

  return {
    name: 'reconcile-payments',
    everyMs,
    async run() {
      const cursor = await leaseCursor(db, provider.id, leaseMs)
      if (cursor === null) return 'dry'
      scan ??= { createdSince: cursor.readUntil - overlapMs, startedAt: cursor.now, after: null }
      const { stored, readTo } = await fetchEvents(scan)
      if (stored > 0) {
        counts.fetched.inc(stored)
        logger.warn({ events: stored }, 'events of the provider had not come by webhook')
        onStored()
      }
      if (readTo !== null) {
        // The list is newest first: the rest of it is older, and newer events are for the next time.
        scan.after = readTo
        await moveCursor(db, provider.id, cursor.readUntil)
        return 'more'
      }
      const { createdSince, startedAt } = scan
      scan = null
      await compareIntents(createdSince)
      await moveCursor(db, provider.id, startedAt)
      return 'dry'
    },
  }

  /** Some pages; `readTo` is where to go on, null at the end of the list. */
  async function fetchEvents({ createdSince, after: from }: Scan): Promise<{ stored: number; readTo: string | null }> {
    let stored = 0
    let after = from
    for (let page = 0; page < pagesMax; page++) {
      const { items, hasMore }: { items: ProviderEvent[]; hasMore: boolean } = await provider.events({
        createdSince,
        ...(after !== null && { after }),
      })
      if (items.length > 0) stored += (await storeEvents(db, provider.id, 'list', items)).size
      if (!hasMore || items.length === 0) return { stored, readTo: null }
      after = items.at(-1)!.id
    }
    return { stored, readTo: after }
  }

  async function compareIntents(createdSince: number): Promise<void> {
    let after: string | undefined
    for (let page = 0; page < pagesMax; page++) {
      const { items, hasMore }: { items: Intent[]; hasMore: boolean } = await provider.list({
        createdSince,
        ...(after !== undefined && { after }),
      })
      const bound = await findPaymentsByRef(
        db,
        provider.id,
        items.map(intent => intent.ref),
      )
      for (const intent of items) {
        // One that cannot be settled must not keep the others from it.
        await compare(intent, bound.get(intent.ref)).catch(error =>
          logger.error({ err: error, provider_ref: intent.ref }, 'an intent of the provider could not be compared'),
        )
      }
      if (!hasMore || items.length === 0) break
      after = items.at(-1)!.ref
    }
  }

  async function compare(intent: Intent, bound: PaymentRecord | undefined): Promise<void> {
    if (bound !== undefined) return agree(bound, intent) ? undefined : learn(bound, intent)
    if (isAnothers(intent, provider)) return
    if (intent.paymentId === null) return tellOnce(intent, 'unknown-intent')
    const eventNo = eventNoOf(intent.paymentId)
    const payment = eventNo <= 0x7fffffff ? await findPayment(db, eventNo, intent.paymentId) : null
    if (payment === null) return tellOnce(intent, 'unknown-payment')
    if (payment.providerRef !== null && payment.providerRef !== intent.ref) return tellOnce(intent, 'two-intents')
    if (intent.status !== 'open') await learn(payment, intent)
  }

  async function learn(payment: PaymentRecord, intent: Intent): Promise<void> {
    await deps.settle(payment, { intent, isTruth: true })
  }

  function tellOnce(intent: Intent, kind: string): void {
    if (told.has(intent.ref)) return
    if (told.size >= toldMax) told.clear()
    told.add(intent.ref)
    counts.discrepancies.inc({ kind })
    logger.error({ provider_ref: intent.ref, kind }, 'the provider has an intent that our record does not explain')
  }
}

/** Whether there is nothing to learn: the same money in the same place, or a step that is under way here. */
export function agree(payment: PaymentRecord, intent: Intent): boolean {
  if (payment.amount !== intent.amount || payment.currency !== intent.currency) return payment.status === 'quarantined'
  switch (intent.status) {
    case 'open':
      return payment.status === 'open' || payment.status === 'processing'
    case 'processing':
      return payment.status === 'processing'
    case 'authorized':
      return payment.status === 'capturing'
    case 'captured':
      return payment.capturedAmount === intent.amountCaptured
    case 'cancelled':
      return payment.status === 'cancelled'
  }
}
