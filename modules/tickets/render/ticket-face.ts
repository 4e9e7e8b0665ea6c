/** Everything that stands on a ticket. Instants in milliseconds since 1970, money in minor units. */
export type TicketFace = {
  eventName: string
  artist: string | null
  startsAt: number
  doorsAt: number | null
  /** IANA name. */
  timezone: string
  venue: { name: string; city: string; country: string }
  section: string | null
  row: string | null
  number: string | null
  areaId: string | null
  holderName: string
  amount: number
  currency: string
  ticketId: string
  isVoid: boolean
  /** The text of the QR code. */
  payload: string
}

/** Labels and values of the place, in the order in which people look for them. */
export function placeLines({ section, row, number, areaId }: TicketFace): { label: string; value: string }[] {
  if (areaId !== null) return [{ label: 'Area', value: areaId }]
  return [
    { label: 'Section', value: section ?? '' },
    { label: 'Row', value: row ?? '' },
    { label: 'Seat', value: number ?? '' },
  ]
}

/** As the clock at the venue's door shows it, with the name of its zone. */
export function localTime(at: number, timezone: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    weekday: 'short',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  }).format(at)
}

export function price({ amount, currency }: TicketFace): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency, currencyDisplay: 'code' })
  const { maximumFractionDigits: decimals = 2 } = format.resolvedOptions()
  return format.format(amount / 10 ** decimals).replaceAll(/\u00a0/g, ' ')
}
