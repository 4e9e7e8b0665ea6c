/**
 * States that a run should reach now and then, by name. A long run in which one of them never came says that the simulation has stopped
 * looking there, and fails. Each is a beginning of the names under which runs count what they reached.
 */
export const rareStates: Readonly<Record<string, string>> = {
  'a hold is repeated with its key after its answer was lost': 'hold: replayed',
  'a seat is somebody else’s': 'hold: taken',
  'the floor is full': 'hold: capacity',
  'the buyer holds something already': 'hold: reservation-exists',
  'the answer to a hold’s commit is lost': 'commit lose-answer: hold batch',
  'a hold’s commit never arrives': 'commit lose-request: hold batch',
  'a hold’s commit is refused': 'commit abort: hold batch',
  'a hold is extended': 'extend: ok',
  'an extension comes too late': 'extend: reservation-expired',
  'a cart is cancelled': 'cancel: cancelled',
  'a cancellation waits for the bank': 'cancel: cancelling',
  'a cancellation finds the payment under way': 'cancel: payment-in-progress',
  'a cancellation comes after the sale': 'cancel: already-confirmed',
  'a cancellation comes after the end': 'cancel: reservation-expired',
  'checkout is queued, the bank being away': 'checkout: queued',
  'checkout is told to come back': 'checkout: refused payments-unavailable',
  'checkout comes after the end': 'checkout: refused reservation-expired',
  'nothing is to be paid': 'checkout: not-required',
  'a card is declined': 'payments declined card_declined',
  'the buyer does not authenticate': 'payments declined payment_intent_authentication_failure',
  'a bank takes its time': 'card: processing',
  'the bank asks the buyer': 'card: requires_action',
  'a card is typed after the end': 'card: payment_intent_unexpected_state',
  'a sale': 'payments sold',
  'a late payment has its places back': 'payments reclaimed',
  'a late payment goes back': 'payments refunded late',
  'an authorisation comes too late': 'payments given-up late',
  'a payment is given up at the end of its hold': 'payments given-up hold-ended',
  'a payment is cancelled by its buyer': 'payments given-up cancelled',
  'the bank takes its yes back': 'payments given-up charge_expired_for_capture',
  'money that does not fit is put aside': 'payments quarantined',
  'a refund goes through': 'payments refund-succeeded',
  'a refund is asked for before the money': 'refund: capture-pending',
  'a refund is asked for twice': 'refund: already-refunded',
  'the answer to making an intent is lost': 'answer lost: create',
  'a request to make an intent is lost': 'request lost: create',
  'the answer to a capture is lost': 'answer lost: capture',
  'a request to capture is lost': 'request lost: capture',
  'the answer to a refund is lost': 'answer lost: refund',
  'the answer to a cancellation is lost': 'answer lost: cancel',
  'the bank fails by itself while it captures': "the bank's own failure: capture",
  'the bank fails by itself while it makes an intent': "the bank's own failure: create",
  'a capture is slow': 'slow call: capture',
  'calls are not made because the bank counts as away': 'provider_calls create away',
  'an event is found in the list': 'provider_events_fetched',
  'the answer to a sale’s commit is lost': 'commit lose-answer: transaction',
  'a sale’s commit never arrives': 'commit lose-request: transaction',
  'a statement of a sale fails': 'statement failed: transaction',
  'the answer to storing a webhook is lost': 'commit lose-answer: store_events',
  'the bank is away for a while': 'outage of the bank',
  'a process dies': 'crash',
  'a process stands still': 'pause',
  'a seat is set aside or given back': 'set aside: some',
}

export function reachedStates(counted: Readonly<Record<string, number>>): Record<string, number> {
  const entries = Object.entries(counted)
  return Object.fromEntries(
    Object.entries(rareStates).map(([name, beginning]) => [
      name,
      entries.reduce((sum, [what, count]) => sum + (what.startsWith(beginning) ? count : 0), 0),
    ]),
  )
}
