/** `Sunday 22 November 2026, 20:00 CET`: as the clock on the venue's wall shows it, because that is where the reader must be. */
export function dateTimeOf(at: number, timezone: string): string {
  const { weekday, day, month, year, hour, minute, timeZoneName } = partsOf(at, timezone)
  return `${weekday} ${day} ${month} ${year}, ${hour}:${minute} ${timeZoneName}`
}

/** `20:10 CET on Sunday 22 November`. */
export function deadlineOf(at: number, timezone: string): string {
  const { weekday, day, month, hour, minute, timeZoneName } = partsOf(at, timezone)
  return `${hour}:${minute} ${timeZoneName} on ${weekday} ${day} ${month}`
}

/** Making one takes longer than writing the rest of a mail. */
const formats = new Map<string, Intl.DateTimeFormat>()

function partsOf(at: number, timeZone: string): Record<string, string> {
  let format = formats.get(timeZone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      weekday: 'long',
      day: 'numeric',
      month: 'long',
      year: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      timeZone,
      timeZoneName: 'short',
    })
    formats.set(timeZone, format)
  }
  return Object.fromEntries(format.formatToParts(at).map(part => [part.type, part.value]))
}
