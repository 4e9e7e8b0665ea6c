import { eventNoOf } from '#kernel/ids.ts'
import { findPayment, type Intent, leaseCursor, moveCursor, type ProviderEvent, storeEvents } from '#payments'
import type { Job } from '#platform/jobs/periodic.ts'
import type { CheckoutDeps } from './ports.ts'
import type { SettlePayment } from './settle-payment.ts'

const everyMs = 60_000
const leaseMs = 50_000
/** Events may appear in the list some time after they were made. */
const overlapMs = 5 * 60_000
const pagesMax = 60

/**
 * What the provider would have told by webhook is in its list too: every minute it is read from where it was read last, into the same
 * inbox, where what came already is known by its id. A webhook that never comes is thus healed within a minute or two. Then the intents of
 * the last minutes are compared with our payments.
 */
export function reconcileJob(deps: CheckoutDeps & { settle: SettlePayment; onStored: () => void }): Job {
  const { db, provider, counts, logger, onStored } = deps
  const healed = new Set<string>()

  return {
    name: 'reconcile-payments',
    everyMs,
    async run() {
      const cursor = await leaseCursor(db, provider.name, leaseMs)
      if (cursor === null) return 'dry'
      const { stored, isComplete } = await fetchEvents(cursor.readUntil - overlapMs)
      if (stored > 0) {
        logger.warn({ events: stored }, 'events of the provider had not come by webhook')
        onStored()
      }
      await compareIntents(cursor.readUntil - overlapMs)
      // The list is newest first: while older pages are left unread, the cursor stays before them.
      await moveCursor(db, provider.name, isComplete ? cursor.now : cursor.readUntil)
      return 'dry'
    },
  }

  async function fetchEvents(createdSince: number): Promise<{ stored: number; isComplete: boolean }> {
    let stored = 0
    let after: string | undefined
    for (let page = 0; page < pagesMax; page++) {
      const { items, hasMore }: { items: ProviderEvent[]; hasMore: boolean } = await provider.events({
        createdSince,
        ...(after !== undefined && { after }),
      })
      if (items.length > 0) stored += await storeEvents(db, provider.name, 'list', items)
      if (!hasMore || items.length === 0) return { stored, isComplete: true }
      after = items.at(-1)!.id
    }
    return { stored, isComplete: false }
  }

  async function compareIntents(createdSince: number): Promise<void> {
    let after: string | undefined
    for (let page = 0; page < pagesMax; page++) {
      const { items, hasMore }: { items: Intent[]; hasMore: boolean } = await provider.list({
        createdSince,
        ...(after !== undefined && { after }),
      })
      for (const intent of items) await compare(intent)
      if (!hasMore || items.length === 0) break
      after = items.at(-1)!.ref
    }
  }

  async function compare(intent: Intent): Promise<void> {
    if (intent.paymentId === null) return tellOnce(intent, 'unknown-intent')
    const eventNo = eventNoOf(intent.paymentId)
    const payment = eventNo <= 0x7fffffff ? await findPayment(db, eventNo, intent.paymentId) : null
    if (payment === null) return tellOnce(intent, 'unknown-payment')
    if (payment.providerRef !== null && payment.providerRef !== intent.ref) return tellOnce(intent, 'two-intents')
    // Whatever settling has nothing to do about agrees.
    if (intent.status !== 'open') await deps.settle(payment, { intent, isTruth: true })
  }

  function tellOnce(intent: Intent, kind: string): void {
    if (healed.has(intent.ref)) return
    healed.add(intent.ref)
    counts.discrepancies.inc({ kind })
    logger.error({ provider_ref: intent.ref, kind }, 'the provider has an intent that our record does not explain')
  }
}
