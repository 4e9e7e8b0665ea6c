import { type Intent, type PaymentRecord, ProviderRefusal } from '#payments'
import type { CheckoutDeps } from './ports.ts'

/** Gives an intent up that was just retrieved; if it has moved on meanwhile, what it is now. */
export async function cancelOrLearn({ provider }: Pick<CheckoutDeps, 'provider'>, ref: string): Promise<Intent> {
  try {
    return await provider.cancel(ref)
  } catch (error) {
    if (!(error instanceof ProviderRefusal)) throw error
    return error.intent ?? (await provider.retrieve(ref))
  }
}

/** Captures. Refused for good: lets the authorisation go, so that the buyer's bank forgets it. */
export async function captureOrLearn(
  deps: Pick<CheckoutDeps, 'provider'>,
  { paymentId, amount, currency, revision }: PaymentRecord,
  authorized: Intent,
): Promise<{ intent: Intent; refusedWith: string | null }> {
  const { provider } = deps
  try {
    // `capturing` is committed anew before each try, and each commit is another revision.
    return {
      intent: await provider.capture(authorized.ref, { paymentId, amount, currency, attempt: revision }),
      refusedWith: null,
    }
  } catch (error) {
    if (!(error instanceof ProviderRefusal)) throw error
    const now = await provider.retrieve(authorized.ref)
    if (now.status !== 'authorized') return { intent: now, refusedWith: now.status === 'captured' ? null : error.code }
    return { intent: await cancelOrLearn(deps, authorized.ref), refusedWith: error.code }
  }
}
