import type { Attempt } from './attempt.ts'
import { newMark, type Person } from './cast.ts'
import type { Answer } from './send.ts'
import type { World } from './world.ts'

const guestsMax = 20

/** What an answer tells of the world: objects for later requests, and secrets that others must not see. */
export function learn(attempt: Attempt, { status, headers, body }: Answer, world: World, people: Person[]): void {
  if (status < 200 || status > 299 || attempt.method === 'HEAD') return
  const isJson = String(headers['content-type']).startsWith('application/json')
  // biome-ignore lint/suspicious/noExplicitAny: what comes over the wire
  const told: any = isJson ? JSON.parse(body.toString()) : {}
  const { person, index, operation, thing } = attempt
  const etag = typeof headers.etag === 'string' ? { etag: headers.etag } : {}
  switch (operation.id) {
    case 'openGuestSession': {
      if (typeof told.access_token !== 'string') return
      const guests = people.filter(({ name }) => name.startsWith('passing'))
      if (guests.length >= guestsMax) people.splice(people.indexOf(guests[0]!), 1)
      people.push({
        name: `passing guest ${index}`,
        role: 'guest',
        userId: told.user_id,
        token: told.access_token,
        mark: newMark(),
      })
      return
    }
    case 'signUp':
    case 'createStaff':
      if (!attempt.isSound) return
      world.add('account', { id: told.user_id, owner: null, of: String(JSON.parse(String(attempt.body)).name) })
      return
    case 'createVenue':
      world.add('venue', { id: told.venue_id, owner: null })
      return
    case 'createEvent':
      world.add('workshop', { id: told.event_id, owner: null, ...etag })
      return
    case 'getEvent':
    case 'changeEvent':
    case 'changeSale':
      if (world.find('workshop', told.event_id) !== undefined)
        world.add('workshop', { id: told.event_id, owner: null, ...etag })
      return
    case 'holdSeats':
      world.add('reservation', { id: told.reservation_id, owner: person })
      return
    case 'checkOut':
      if (person === null || thing?.owner !== person) return
      // The sale follows the bank's yes by a moment.
      for (const wait of [60, 200, 600])
        world.errands.push({ operation: 'getReservation', person, id: thing.id, from: index + wait })
      return
    case 'getReservation': {
      const owner =
        world.find('sale', told.reservation_id)?.owner ?? world.find('reservation', told.reservation_id)?.owner ?? null
      if (told.state !== 'confirmed' || owner === null) return
      const access = /access=([\w-]+)/.exec(told.access_url ?? '')?.[1]
      world.add('sale', { id: told.reservation_id, owner, ...(access !== undefined && { access }) })
      for (const { ticket_id } of told.tickets ?? [])
        world.add('ticket', { id: ticket_id, owner, of: told.reservation_id, ...(access !== undefined && { access }) })
      return
    }
  }
}

const ids = /(?:rsv|tkt|pay|rfd)_[0-9a-hjkmnp-tv-z]{26}|pi_\w+_secret_\w+/g

/** At once, when the owner's answer comes: from here on nobody else is to be told. */
export function keepSecret(
  { operation, person, thing, method }: Attempt,
  { status, body }: Answer,
  secrets: Map<string, Person>,
): void {
  if (status < 200 || status > 299 || person === null || method === 'HEAD') return
  const isTheirs = operation.id === 'holdSeats' || (thing !== null && thing.owner === person)
  if (
    !isTheirs ||
    !['holdSeats', 'getReservation', 'checkOut', 'extendReservation', 'getTicket'].includes(operation.id)
  )
    return
  for (const [secret] of body.toString().matchAll(ids)) if (!secrets.has(secret)) secrets.set(secret, person)
}
