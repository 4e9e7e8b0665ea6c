/** The mails there are, and what each knows from its message, as stored. Everything else is looked up when it is written. */
export type MailData = {
  tickets: object
  'late-payment-kept': object
  'late-payment-refunded': Refund
  'refund-started': Refund
  'refund-done': Refund
  'checkout-queued': Kept
  'checkout-ready': Kept
  'payment-failed': { reason: string }
}
export type Template = keyof MailData

type Refund = { amount: number; currency: string; reason: string }
/** RFC 3339. */
type Kept = { hold_until: string }
