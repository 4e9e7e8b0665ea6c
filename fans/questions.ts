/**
 * What a fan asks of the box office. The benchmark asks the same: it makes bytes of these before its clock runs, where a fan of a
 * rehearsal asks one after the other.
 */
export type Question = {
  path: string
  /** GET, or POST where there is something to say. */
  method?: string
  token?: string
  /** Idempotency key. */
  key?: string
  body?: object
  form?: Record<string, string>
  basic?: string
  headers?: Record<string, string>
}

export type Who = { token: string }
export type Places =
  | { seat_ids: readonly string[] }
  | { areas: readonly { area_id: string; quantity: number }[] }
  | { best_available: { quantity: number } }

export const ask = {
  guest: (): Question => ({ path: '/v1/auth/guest', method: 'POST' }),
  event: (eventId: string): Question => ({ path: `/v1/events/${encodeURIComponent(eventId)}` }),
  availability: (eventId: string): Question => ({ path: `/v1/events/${eventId}/availability` }),
  seats: (eventId: string, section: string): Question => ({
    path: `/v1/events/${eventId}/seats?section=${encodeURIComponent(section)}`,
  }),
  hold: ({ token, key }: Who & { key: string }, eventId: string, places: Places): Question => ({
    path: '/v1/reservations',
    token,
    key,
    body: { event_id: eventId, ...places },
  }),
  checkOut: ({ token }: Who, reservationId: string, buyer: { email: string; name: string }): Question => ({
    path: `/v1/reservations/${reservationId}/checkout`,
    token,
    body: buyer,
  }),
  reservation: ({ token }: Who, reservationId: string): Question => ({
    path: `/v1/reservations/${reservationId}`,
    token,
  }),
  cancel: ({ token }: Who, reservationId: string): Question => ({
    path: `/v1/reservations/${reservationId}`,
    method: 'DELETE',
    token,
  }),
  ticket: ({ token }: Who, ticketId: string): Question => ({ path: `/v1/tickets/${ticketId}`, token }),
  /** Of the bank, on the page that takes the card. */
  confirm: (intent: { ref: string; secret: string; publishableKey: string }, card: string): Question => ({
    path: `/v1/payment_intents/${intent.ref}/confirm`,
    basic: intent.publishableKey,
    form: { client_secret: intent.secret, payment_method: card },
  }),
}

/** A question as the bytes that go over the wire. */
export function bytesOf({ path, method, token, key, body, form, basic, headers }: Question): Buffer {
  const text = body !== undefined ? JSON.stringify(body) : form !== undefined ? String(new URLSearchParams(form)) : ''
  const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded'
  const all = {
    host: 'holdfast.localhost',
    ...(text !== '' && { 'content-type': type, 'content-length': String(Buffer.byteLength(text)) }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(basic !== undefined && { authorization: `Basic ${Buffer.from(`${basic}:`).toString('base64')}` }),
    ...(key !== undefined && { 'idempotency-key': key }),
    ...headers,
  }
  const head = Object.entries(all)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
  return Buffer.from(`${method ?? (text === '' ? 'GET' : 'POST')} ${path} HTTP/1.1\r\n${head}\r\n${text}`)
}
