/** `example` shows the members that a problem of this code has beside those that all have. */
export type KnownProblem = { status: number; title: string; advice: string; example?: Record<string, unknown> }

/**
 * Every refusal the API can give: code -> status, title and what the reader may do. The HTTP layer, the OpenAPI document and
 * the pages under /problems all come from this table; the compiler refuses a code that is not in it.
 */
export const problems = {
  'invalid-request': {
    status: 400,
    title: 'The request is not of the right shape',
    advice: '`errors` lists every place that is wrong, with what would be right. Correct them all and send it again.',
    example: { errors: [{ path: 'seat_ids[3]', message: 'must be a string' }] },
  },
  'idempotency-key-required': {
    status: 400,
    title: 'An Idempotency-Key header is required',
    advice:
      'Send `Idempotency-Key` with 1 to 255 printable ASCII characters. Use a new one for each thing you want, and the same one when you repeat a request.',
  },
  'invalid-signature': {
    status: 400,
    title: 'The signature is not valid',
    advice: 'Sign the bytes that you send with the secret of this endpoint, within five minutes. Nothing was stored.',
  },
  unauthenticated: {
    status: 401,
    title: 'An access token is required',
    advice: 'Send `Authorization: Bearer <token>`. `POST /v1/auth/guest` gives a guest token to anybody.',
  },
  'invalid-token': {
    status: 401,
    title: 'The access token is not valid',
    advice: 'It is malformed, forged or has ended. Get a new one.',
  },
  'invalid-credentials': {
    status: 401,
    title: 'Mail address or password is wrong',
    advice: 'Check both; the answer is the same whichever it is.',
  },
  forbidden: {
    status: 403,
    title: 'Your role may not do this',
    advice: '`required` names the roles that may.',
    example: { required: ['organizer'] },
  },
  'cross-site-request': {
    status: 403,
    title: 'The request came from another site',
    advice:
      'A browser may change something with its cookie only from a page of this server. Programs send `Authorization: Bearer <token>` instead.',
  },
  'admission-required': {
    status: 403,
    title: 'The waiting room is active',
    advice: 'Join the waiting room of the event and come back with your pass.',
  },
  'not-found': {
    status: 404,
    title: 'There is nothing here',
    advice: 'The address is wrong, or the object is not yours to see.',
  },
  'event-not-found': {
    status: 404,
    title: 'There is no such event',
    advice: 'Check the event id; drafts are not shown.',
  },
  'request-timeout': {
    status: 408,
    title: 'The request did not come in time',
    advice: 'Its head has to be complete within ten seconds, all of it within thirty. Send it again.',
  },
  'email-taken': { status: 409, title: 'There is an account with this mail address', advice: 'Log in instead.' },
  'last-administrator': {
    status: 409,
    title: 'Nobody else could administer this installation',
    advice: 'Make somebody else an administrator first.',
  },
  'not-on-sale': {
    status: 409,
    title: 'The event is not on sale',
    advice: '`event_status` says why, `onsale_at` when the sale begins.',
    example: { event_status: 'scheduled', onsale_at: '2027-03-01T09:00:00.000Z' },
  },
  'reservation-exists': {
    status: 409,
    title: 'You already hold places for this event',
    advice: 'Pay, change (`replaces`) or cancel the reservation named by `reservation_id` first.',
    example: { reservation_id: 'rsv_01m81cwj4req28q4g000003zcp' },
  },
  'seats-unavailable': {
    status: 409,
    title: 'Some of these seats are taken',
    advice: '`conflicting_seat_ids` names every one of them. Nothing was reserved; choose others.',
    example: { conflicting_seat_ids: ['101-A-4', '101-A-5'] },
  },
  'capacity-unavailable': {
    status: 409,
    title: 'The area has not enough places left',
    advice: '`available` says how many there are.',
    example: { area_id: 'floor', available: 3 },
  },
  'no-match': {
    status: 409,
    title: 'No free places match the wish',
    advice: 'Ask for fewer, drop a filter, or allow them to be apart (`together: false`).',
  },
  'no-extensions-left': { status: 409, title: 'The hold cannot be extended again', advice: 'Pay before it ends.' },
  'reservation-expired': {
    status: 409,
    title: 'The reservation has run out',
    advice: 'Its places are free again. Choose anew.',
  },
  'already-confirmed': {
    status: 409,
    title: 'The reservation is paid',
    advice: 'A paid reservation is refunded, not cancelled.',
  },
  'already-cancelled': { status: 409, title: 'The reservation is cancelled', advice: 'Make a new one.' },
  'payment-in-progress': {
    status: 409,
    title: 'A payment is under way',
    advice: 'Wait for its outcome; it decides what becomes of the reservation.',
  },
  'already-refunded': {
    status: 409,
    title: 'There is nothing left to refund',
    advice: 'The tickets named are refunded or void already.',
  },
  'capture-pending': {
    status: 409,
    title: 'The payment is not captured yet',
    advice: 'Only captured money is refunded. Wait for the outcome of the payment.',
  },
  'seatmap-in-use': {
    status: 409,
    title: 'The seat map is in use',
    advice: 'Seats of an existing event are neither added nor removed; block them instead.',
  },
  'slug-taken': { status: 409, title: 'Another event has this slug', advice: 'Choose another slug.' },
  'invalid-transition': {
    status: 409,
    title: 'The event is not in a state that allows this',
    advice: '`event_status` is its present state, `allowed` what can be done from there.',
    example: { event_status: 'ended', allowed: [] },
  },
  'version-mismatch': {
    status: 412,
    title: 'Somebody changed it in the meantime',
    advice: 'Read it again, look at what changed, and send your change with the new ETag in `If-Match`.',
  },
  'body-too-large': {
    status: 413,
    title: 'The body is too large',
    advice: 'Bodies are at most 64 KB, a seating plan 32 MB.',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'The body is of a type that is not taken here',
    advice: 'Send `application/json`; seating plans also as `text/csv`.',
  },
  'invalid-seatmap': {
    status: 422,
    title: 'The seating plan has errors',
    advice: '`errors` lists all of them with their places. Nothing was stored.',
    example: { errors: [{ path: 'zones[3].rows[2].seats[14].category', message: 'there is no category "Stals"' }] },
  },
  'invalid-event': {
    status: 422,
    title: 'The event does not fit its seat map',
    advice: '`errors` lists what is missing or does not exist.',
    example: { errors: [{ path: 'price_levels', message: 'lacks a price for "Balcony"' }] },
  },
  'unknown-seats': {
    status: 422,
    title: 'Some of these seats do not exist',
    advice: '`seat_ids` names them; take ids from the seat map of this event.',
    example: { seat_ids: ['101-A-99'] },
  },
  'unknown-areas': {
    status: 422,
    title: 'Some of these areas do not exist',
    advice: '`area_ids` names them; take ids from the seat map of this event.',
    example: { area_ids: ['mezzanine'] },
  },
  'ticket-limit-exceeded': {
    status: 422,
    title: 'That is more than one person may have',
    advice: '`limit` counts what you hold and have for this event together.',
    example: { limit: 6 },
  },
  'seat-rule': {
    status: 422,
    title: 'The choice would leave a single seat',
    advice: '`seat_ids` names the seat left alone. Move by one, or take it as well.',
    example: { rule: 'single-seat', seat_ids: ['101-A-1'] },
  },
  'amount-not-chargeable': {
    status: 422,
    title: 'The payment provider does not take this amount',
    advice:
      'It is below or above what a card may be charged in this currency. Nothing was changed; tell the organiser.',
    example: { amount: 20, currency: 'EUR' },
  },
  'unknown-tickets': {
    status: 422,
    title: 'Some of these tickets do not belong to the reservation',
    advice: '`ticket_ids` names them. Nothing was refunded.',
    example: { ticket_ids: ['tkt_01m81cwj4req28q4g000003zcp'] },
  },
  'idempotency-key-reused': {
    status: 422,
    title: 'The Idempotency-Key was used for something else',
    advice: 'Use a new key for a new request.',
  },
  'precondition-required': {
    status: 428,
    title: 'If-Match is required',
    advice: 'Send the ETag you read, so that nobody overwrites what they have not seen.',
  },
  'rate-limited': { status: 429, title: 'Too many requests', advice: 'Wait as long as `Retry-After` says.' },
  'head-too-large': {
    status: 431,
    title: 'Address and headers are too long',
    advice: 'Together they may have 16 KB. Look for a cookie or a token that has grown.',
  },
  internal: {
    status: 500,
    title: 'Something went wrong on our side',
    advice: 'It is logged under `request_id`. Repeat the request with the same Idempotency-Key.',
  },
  overloaded: {
    status: 503,
    title: 'The server is busy',
    advice: 'Wait as long as `Retry-After` says. Nothing was changed.',
  },
  unavailable: {
    status: 503,
    title: 'The service is briefly not available',
    advice: 'Wait as long as `Retry-After` says and repeat the request with the same Idempotency-Key.',
  },
  'payments-unavailable': {
    status: 503,
    title: 'Paying is not possible at the moment',
    advice:
      'You keep your places until the hold ends. `Retry-After` is your turn: come back then. `in_time` false: your hold is likely to end before.',
    example: { in_time: true },
  },
  'sales-closed': {
    status: 503,
    title: 'Sales are closed while the books are checked',
    advice: 'Nothing you hold is lost. Wait as long as `Retry-After` says.',
  },
} as const satisfies Record<string, KnownProblem>

export type ProblemCode = keyof typeof problems
