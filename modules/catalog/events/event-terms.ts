import type { EventChange, NewEvent } from '#contracts/catalog.ts'
import { defaultHoldPolicy, defaultTicketLimit, type Event } from './event.ts'

export type FieldError = { path: string; message: string }

/** What an organiser decides about an event, apart from its venue, its map and its prices. */
export type EventTerms = Pick<
  Event,
  | 'name'
  | 'artist'
  | 'description'
  | 'imageUrl'
  | 'startsAt'
  | 'doorsAt'
  | 'onsaleAt'
  | 'currency'
  | 'ticketLimit'
  | 'holdPolicy'
  | 'latePayment'
  | 'returns'
>

const noTerms: EventTerms = {
  name: '',
  artist: null,
  description: null,
  imageUrl: null,
  startsAt: Number.NaN,
  doorsAt: null,
  onsaleAt: null,
  currency: '',
  ticketLimit: defaultTicketLimit,
  holdPolicy: defaultHoldPolicy,
  latePayment: 'reclaim',
  returns: 'blocked',
}

/** The terms of a new event (`before` absent), or of one after a change: what is not given stays as it was. */
export function termsAfter(given: NewEvent | EventChange, before: EventTerms = noTerms): EventTerms {
  const text = (value: string | null | undefined, old: string | null) =>
    value === undefined ? old : value === null || value.trim() === '' ? null : value.trim().normalize('NFC')
  const time = (value: string | null | undefined, old: number | null) =>
    value === undefined ? old : value === null ? null : Date.parse(value)
  return {
    name: text(given.name, before.name) ?? '',
    artist: text(given.artist, before.artist),
    description: text(given.description, before.description),
    imageUrl: text(given.image_url, before.imageUrl),
    startsAt: time(given.starts_at, before.startsAt) ?? Number.NaN,
    doorsAt: time(given.doors_at, before.doorsAt),
    onsaleAt: time(given.onsale_at, before.onsaleAt),
    currency: given.currency ?? before.currency,
    ticketLimit: given.ticket_limit ?? before.ticketLimit,
    holdPolicy: { ...before.holdPolicy, ...given.hold_policy },
    latePayment: given.late_payment ?? before.latePayment,
    returns: given.returns ?? before.returns,
  }
}

/** What does not make sense, whatever the event; empty when all is well. */
export function termErrors(terms: EventTerms): FieldError[] {
  const errors: FieldError[] = []
  if (terms.name === '') errors.push({ path: 'name', message: 'must not be empty' })
  for (const [path, time] of [
    ['starts_at', terms.startsAt],
    ['doors_at', terms.doorsAt],
    ['onsale_at', terms.onsaleAt],
  ] as const) {
    if (time !== null && !isStorable(time))
      errors.push({ path, message: 'must be a time between the years 1970 and 9999' })
  }
  if (terms.doorsAt !== null && terms.doorsAt > terms.startsAt) {
    errors.push({ path: 'doors_at', message: 'must not be after starts_at' })
  }
  if (terms.onsaleAt !== null && terms.onsaleAt >= terms.startsAt) {
    errors.push({ path: 'onsale_at', message: 'must be before starts_at' })
  }
  if (!currencies.has(terms.currency)) errors.push({ path: 'currency', message: 'must be a currency of ISO 4217' })
  return errors
}

function isStorable(time: number): boolean {
  return time >= 0 && time < Date.UTC(10_000, 0)
}

const currencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'))
