import { OutcomeUnknown, RetryableFault } from '#kernel/faults.ts'
import type { PaymentId, ReservationId } from '#kernel/ids.ts'

/**
 * What Holdfast needs of a payment provider. One adapter a provider keeps these promises:
 *
 * - Every call ends in one of four ways: the answer; `ProviderRefusal`, the provider's final no, which changed nothing;
 *   `RetryableFault`, nothing happened and the same call may be made again; `OutcomeUnknown`, it may have happened. A time-out, a
 *   500 and a broken connection are unknown, never a no.
 * - `create`, `capture` and `refund` are idempotent by the key they are given: the same call again has no second effect.
 * - What comes back is the intent as it is now. A caller decides by that and never by what it sent.
 */
export interface PaymentProvider {
  /** What it is, in addresses and for the page that takes the card: `stripe`. */
  readonly name: string
  /**
   * Under which its payments are recorded: `stripe`, `stripe-test`, `sandbox`. One knows nothing of another's intents, so after a change
   * of provider the payments of the one before are not asked about.
   */
  readonly id: string
  /** Of ours, written on what is made there: others may sell on the same account. */
  readonly installation: string
  /** For the browser; no secret. */
  readonly publishableKey: string
  /** True if real money moves. An object of the other mode is never applied. */
  readonly isLive: boolean
  create(command: CreateIntent): Promise<Intent>
  retrieve(ref: string): Promise<Intent>
  /**
   * Takes what was authorised, once, however often it is asked. Key: the payment's id and `attempt`: a provider may keep its own
   * failure under a key and answer it for a day, so that another try needs another number.
   */
  capture(ref: string, command: Money & { paymentId: PaymentId; attempt: number }): Promise<Intent>
  /** Gives up an intent that was retrieved just before; one that was captured meanwhile is refused with its present state. */
  cancel(ref: string): Promise<Intent>
  /**
   * Gives back money that was captured. Key: the refund's id and `round`. Two rounds are two refunds, so there is another only long
   * after the last call of the one before, and after `refundsOf` has shown that nothing came of it.
   */
  refund(ref: string, command: Money & { refundId: string; round: number }): Promise<ProviderRefund>
  /** Refunds of one intent, as the provider has them. */
  refundsOf(ref: string): Promise<ProviderRefund[]>
  /** Intents made since, newest first, page by page. `createdSince` in milliseconds since 1970. */
  list(query: { createdSince: number; after?: string }): Promise<Page<Intent>>
  /** What the provider told or would have told by webhook, newest first, page by page. */
  events(query: { createdSince: number; after?: string }): Promise<Page<ProviderEvent>>
  /** Checks the signature over the very bytes that came; null if it is not ours, or older than five minutes. */
  readWebhook(body: Buffer, headers: Record<string, string | string[] | undefined>): ProviderEvent | null
}

/** Minor units of ISO 4217; how a provider counts is its adapter's business. */
export type Money = { amount: number; currency: string }

export type CreateIntent = Money & {
  /** The key, with `round`; as with refunds, two rounds are two intents. */
  paymentId: PaymentId
  round: number
  /** What the buyer sees on the statement and support in the provider's pages. */
  description: string
  receiptEmail?: string
  /** Shown in the provider's pages; no personal data. `payment_id` and `installation` are added by the adapter. */
  metadata: Record<string, string>
}

/**
 * Where an intent stands. `open`: nothing is decided, another card may be tried. `authorized`: the money waits to be captured.
 */
export type IntentStatus = 'open' | 'processing' | 'authorized' | 'captured' | 'cancelled'

export type Intent = {
  ref: string
  status: IntentStatus
  /** Minor units. */
  amount: number
  /** ISO 4217, upper case. */
  currency: string
  amountCaptured: number
  /** Only where the provider gives it with the answer; never stored. */
  clientSecret: string | null
  /** From our metadata; null for an intent that somebody else made. */
  paymentId: PaymentId | null
  /** From our metadata too, where there is some. */
  reservationId?: ReservationId | null
  /** Which installation made it, from its metadata. */
  installation?: string | null
  isLive: boolean
  createdAt: number
  /** Why the last card did not do; `attemptRef` names that attempt. */
  lastDecline: { attemptRef: string; code: string; declineCode: string | null } | null
}

export type ProviderRefund = {
  ref: string
  /** From our metadata. */
  refundId: string | null
  installation?: string | null
  status: 'pending' | 'succeeded' | 'failed'
  amount: number
}

/**
 * One thing that the provider tells, by webhook or when asked. Its `intent` is as it was at that time, which may be long ago. With neither
 * intent nor refund it is of no concern to us.
 */
export type ProviderEvent = {
  id: string
  type: string
  createdAt: number
  isLive: boolean
  /** The account it is about, where the provider says so; null: our own. */
  account: string | null
  intent: Intent | null
  refund: (ProviderRefund & { intentRef: string | null }) | null
}

export type Page<T> = { items: T[]; hasMore: boolean }

/** Made by another installation that shares the provider's account: of no concern here, whatever becomes of it. */
export function isAnothers(
  made: Pick<Intent, 'installation'>,
  { installation }: Pick<PaymentProvider, 'installation'>,
) {
  return made.installation != null && made.installation !== installation
}

/** The provider says no, finally, and nothing has changed. `intent` is the present state where the provider tells it. */
export class ProviderRefusal extends Error {
  readonly code: string
  readonly intent: Intent | null
  constructor(code: string, message: string, options: { intent?: Intent | null; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'ProviderRefusal'
    this.code = code
    this.intent = options.intent ?? null
  }
}

/** The provider is there, did nothing, and asks for patience: too many calls, or the same one still under way. No sign that it is away. */
export class ProviderBusy extends RetryableFault {
  /** Too many calls, whichever they are: all of them should wait. */
  readonly asksForFewer: boolean
  constructor(message: string, { asksForFewer }: { asksForFewer: boolean }) {
    super(message)
    this.asksForFewer = asksForFewer
  }
}

/**
 * A failure of its own that the provider keeps under a key and answers again, for a day. It says what was once, so it is no sign that the
 * provider is away now; another key may well succeed.
 */
export class KeptFailure extends OutcomeUnknown {}
