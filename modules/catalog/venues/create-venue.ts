import type { NewVenue } from '#contracts/catalog.ts'
import type { Clock } from '#kernel/clock.ts'
import { newId, toUuid, type VenueId } from '#kernel/ids.ts'
import type { Random } from '#kernel/random.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { Venue } from '../events/event.ts'

/** What a schema cannot say of a new venue. */
export function venueErrors(given: NewVenue): { path: string; message: string }[] {
  const errors = []
  if (!isTimeZone(given.timezone))
    errors.push({ path: 'timezone', message: 'must be an IANA time zone such as Europe/Berlin' })
  if (given.name.trim() === '') errors.push({ path: 'name', message: 'must not be empty' })
  if (given.city.trim() === '') errors.push({ path: 'city', message: 'must not be empty' })
  return errors
}

export async function createVenue(
  db: Queryable,
  source: { clock: Clock; random: Random },
  given: NewVenue,
): Promise<Venue> {
  const venue = {
    venueId: newId('ven', source) as VenueId,
    name: given.name.trim().normalize('NFC'),
    city: given.city.trim().normalize('NFC'),
    country: given.country,
    timezone: given.timezone,
  }
  await db.query('insert into holdfast.venues (venue_id, name, city, country, timezone) values ($1, $2, $3, $4, $5)', [
    toUuid(venue.venueId),
    venue.name,
    venue.city,
    venue.country,
    venue.timezone,
  ])
  return venue
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    // Offsets such as +01:00 are taken too, but know nothing of summer time.
    return /^[A-Za-z]/.test(name)
  } catch {
    return false // a RangeError: not a zone
  }
}
