const dayMs = 24 * 60 * 60 * 1000

/**
 * The instant at which clocks in `timezone` show `time` (`19:30`), `days` days after the day on which `from` falls there.
 * Milliseconds since 1970.
 */
export function localTime({ from, days, time, timezone }: { from: number; days: number; time: string; timezone: string }): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  const shown = from + offsetAt(from, timezone)
  const wanted = Math.floor(shown / dayMs) * dayMs + days * dayMs + (hours * 60 + minutes) * 60_000
  // The offset at the instant itself: summer time may begin or end in between.
  return wanted - offsetAt(wanted - offsetAt(wanted, timezone), timezone)
}

/** How far clocks in `timezone` are ahead of UTC at an instant, in milliseconds. */
function offsetAt(instant: number, timezone: string): number {
  const parts = new Intl.DateTimeFormat('en', {
    timeZone: timezone,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
  }).formatToParts(instant)
  const part = (type: string) => Number(parts.find(one => one.type === type)!.value)
  const shown = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
  return shown - Math.floor(instant / 1000) * 1000
}
