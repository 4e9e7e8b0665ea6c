import type { MessageOf } from '#contracts/messages.ts'
import type { MailData, Template } from './template.ts'

export const toldTypes = [
  'SeatsSold',
  'RefundRequired',
  'PaymentRefunded',
  'CheckoutQueued',
  'CheckoutReady',
  'PaymentFailed',
] as const

export type Told = { [Name in (typeof toldTypes)[number]]: MessageOf<Name> }[(typeof toldTypes)[number]]

export type MailRequest = { [T in Template]: { template: T; data: MailData[T] } }[Template]

/** The mail that a message asks for; null when it asks for none. */
export function mailRequestOf(message: Told): MailRequest | null {
  switch (message.type) {
    case 'SeatsSold':
      return { template: message.data.late ? 'late-payment-kept' : 'tickets', data: {} }
    case 'RefundRequired':
      return {
        template: message.data.reason === 'late-payment' ? 'late-payment-refunded' : 'refund-started',
        data: refundOf(message.data),
      }
    case 'PaymentRefunded':
      return { template: 'refund-done', data: refundOf(message.data) }
    case 'CheckoutQueued':
      return { template: 'checkout-queued', data: { hold_until: message.data.hold_until } }
    case 'CheckoutReady':
      return { template: 'checkout-ready', data: { hold_until: message.data.hold_until } }
    case 'PaymentFailed':
      return tellsBuyer.has(message.data.reason)
        ? { template: 'payment-failed', data: { reason: message.data.reason } }
        : null
  }
}

/**
 * Those who think that they have paid, or wait for our word. A buyer whose card was declined sits before the page that says so; one who
 * gave up, or left, knows.
 */
const tellsBuyer: ReadonlySet<string> = new Set(['capture-refused', 'late', 'event-cancelled', 'queue-ended'])

function refundOf({ amount, currency, reason }: MailData['refund-started']): MailData['refund-started'] {
  return { amount, currency, reason }
}
