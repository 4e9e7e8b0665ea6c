import type { Books } from './books.ts'
import { type Form, metadataIn, textIn, wholeNumber } from './form.ts'
import type { Refund } from './objects.ts'
import { invalid } from './stripe-error.ts'

export function refundCharge(books: Books, body: Form): Refund {
  const intent = books.intent(textIn(body, 'payment_intent') ?? '')
  const charge = intent.latest_charge === null ? undefined : books.tables.charges.get(intent.latest_charge)
  if (charge === undefined || !charge.captured)
    throw invalid('This PaymentIntent does not have a successful charge to refund.', {
      code: 'payment_intent_unexpected_state',
    })
  const left = charge.amount_captured - charge.amount_refunded
  const amount = wholeNumber(body, 'amount') ?? left
  if (left === 0) throw invalid(`Charge ${charge.id} has already been refunded.`, { code: 'charge_already_refunded' })
  if (amount < 1 || amount > left)
    throw invalid(`Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`, {
      param: 'amount',
    })
  const refund: Refund = {
    id: books.id('re'),
    object: 'refund',
    amount,
    charge: charge.id,
    created: books.seconds(),
    currency: intent.currency,
    metadata: metadataIn(body),
    payment_intent: intent.id,
    reason: textIn(body, 'reason') ?? null,
    status: 'succeeded',
  }
  books.keep({ table: 'refunds', row: refund })
  const refunded = charge.amount_refunded + amount
  const kept = books.keepCharge({
    ...charge,
    amount_refunded: refunded,
    refunded: refunded === charge.amount_captured,
  })
  books.tell('refund.created', refund)
  books.tell('charge.refunded', kept)
  return refund
}
