/** What a card of the sandbox does. The names and numbers are those that Stripe documents for testing; those of our own begin with `pm_sandbox_`. */
export type CardOutcome =
  | { kind: 'approved' }
  | { kind: 'declined'; code: string; declineCode: string; message: string }
  | { kind: 'authenticate' }
  /** The bank takes its time, and then says this. */
  | { kind: 'processing'; afterwards: 'approved' | 'declined' }
  /** Authorises, and refuses the capture. */
  | { kind: 'capture-refused' }

export type TestCard = { brand: string; last4: string; outcome: CardOutcome }

const approved: CardOutcome = { kind: 'approved' }
const declined = (code: string, declineCode: string, message: string): CardOutcome => ({
  kind: 'declined',
  code,
  declineCode,
  message,
})
const generic = declined('card_declined', 'generic_decline', 'Your card was declined.')
const insufficient = declined('card_declined', 'insufficient_funds', 'Your card has insufficient funds.')
const expired = declined('expired_card', 'expired_card', 'Your card has expired.')
const wrongCvc = declined('incorrect_cvc', 'incorrect_cvc', "Your card's security code is incorrect.")
const processingError = declined(
  'processing_error',
  'processing_error',
  'An error occurred while processing your card. Try again in a little bit.',
)

const visa = (last4: string, outcome: CardOutcome): TestCard => ({ brand: 'visa', last4, outcome })

export const cardsByMethod: Record<string, TestCard> = {
  pm_card_visa: visa('4242', approved),
  pm_card_mastercard: { brand: 'mastercard', last4: '4444', outcome: approved },
  pm_card_amex: { brand: 'amex', last4: '0005', outcome: approved },
  pm_card_chargeDeclined: visa('0002', generic),
  pm_card_visa_chargeDeclined: visa('0002', generic),
  pm_card_chargeDeclinedInsufficientFunds: visa('9995', insufficient),
  pm_card_visa_chargeDeclinedInsufficientFunds: visa('9995', insufficient),
  pm_card_chargeDeclinedExpiredCard: visa('0069', expired),
  pm_card_chargeDeclinedIncorrectCvc: visa('0127', wrongCvc),
  pm_card_chargeDeclinedProcessingError: visa('0119', processingError),
  pm_card_authenticationRequired: visa('3184', { kind: 'authenticate' }),
  pm_card_threeDSecure2Required: visa('3220', { kind: 'authenticate' }),
  pm_sandbox_processing: visa('4242', { kind: 'processing', afterwards: 'approved' }),
  pm_sandbox_processingFails: visa('0002', { kind: 'processing', afterwards: 'declined' }),
  pm_sandbox_captureRefused: visa('0341', { kind: 'capture-refused' }),
}

const cardsByNumber: Record<string, TestCard> = {
  '4242424242424242': cardsByMethod.pm_card_visa!,
  '5555555555554444': cardsByMethod.pm_card_mastercard!,
  '378282246310005': cardsByMethod.pm_card_amex!,
  '4000000000000002': cardsByMethod.pm_card_chargeDeclined!,
  '4000000000009995': cardsByMethod.pm_card_chargeDeclinedInsufficientFunds!,
  '4000000000000069': cardsByMethod.pm_card_chargeDeclinedExpiredCard!,
  '4000000000000127': cardsByMethod.pm_card_chargeDeclinedIncorrectCvc!,
  '4000000000000119': cardsByMethod.pm_card_chargeDeclinedProcessingError!,
  '4000002760003184': cardsByMethod.pm_card_authenticationRequired!,
  '4000000000003220': cardsByMethod.pm_card_threeDSecure2Required!,
}

/** Null for a number that is none of Stripe's test numbers: it may be somebody's, and is forgotten at once. */
export function cardByNumber(number: string): TestCard | null {
  return cardsByNumber[number.replaceAll(/[\s-]/g, '')] ?? null
}
