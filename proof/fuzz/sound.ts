import { planOf } from '../../test/harness/hall.ts'
import { forge } from '../torture/forgeries.ts'
import type { Attempt } from './attempt.ts'
import type { Person } from './cast.ts'
import type { Chance } from './chance.ts'
import type { Operation } from './document.ts'
import { valueFor } from './from-schema.ts'
import { maySeeForeign } from './rights.ts'
import type { Kind, Thing, World } from './world.ts'

export type Wish = {
  index: number
  operation: Operation
  person: Person | null
  chance: Chance
  world: World
  /** Rather about what is somebody else's. */
  isForeign: boolean
  webhookSecret: string
  /** This very object; otherwise one is drawn. */
  id?: string
}

/** The kinds of object of which an operation's path may name one. What is changed is apart from where everybody buys. */
function kindsOf(operation: Operation): Kind[] {
  const changing = ['changeEvent', 'changeSale', 'changeSeats'].includes(operation.id)
  if (operation.path.includes('{event_id}')) return changing ? ['workshop'] : ['shop', 'shop', 'workshop', 'draft']
  if (operation.path.includes('{venue_id}')) return ['venue']
  if (operation.path.includes('{ticket_id}')) return ['ticket']
  if (operation.path.includes('{user_id}')) return ['account']
  if (!operation.path.includes('{reservation_id}')) return []
  return ['refundReservation', 'printTickets'].includes(operation.id)
    ? ['sale', 'sale', 'reservation']
    : ['reservation', 'sale']
}

/** A request that is right, from the document and from what earlier answers told. */
export function soundRequest(wish: Wish): Attempt {
  const { index, operation, person, chance, webhookSecret } = wish
  const thing = thingFor(wish)
  const kinds = kindsOf(operation)
  const id = thing?.id ?? wish.id ?? `${kinds[0] === 'ticket' ? 'tkt' : 'rsv'}_01m81cwj4req28q4g000003zcp`
  const suffix = operation.id === 'getTicket' ? chance.one(['', '', '', '', '', '', '', '.svg', '.pdf']) : ''
  const path = operation.path.replace('{provider}', 'stripe').replace(/\{\w+\}/, `${id}${suffix}`)
  const headers: [string, string][] = [['x-forwarded-for', isGuessing(wish) ? '192.0.2.7' : addressOf(chance)]]
  if (person !== null) headers.push(['authorization', `Bearer ${person.token}`])
  const hasKey = operation.parameters.find(({ name }) => name === 'Idempotency-Key')
  if (hasKey !== undefined && (hasKey.required || chance.is(0.5)))
    headers.push(['idempotency-key', `fuzz-${index}-${chance.word(8)}`])
  if (operation.id === 'changeEvent' && thing?.etag !== undefined) headers.push(['if-match', thing.etag])
  const body = operation.bodyTypes.length === 0 ? null : bodyFor(wish, thing)
  const attempt: Attempt = {
    index,
    operation,
    person,
    what: 'sound',
    method: operation.method,
    path: path + queryFor(wish),
    headers,
    body: body === null ? null : JSON.stringify(body),
    isSound: true,
    thing,
    hasAccess: false,
    isForged: false,
    isWrongBody: false,
  }
  if (body !== null) headers.push(['content-type', 'application/json'])
  if (operation.id === 'importSeatMap' && chance.is(0.3)) asManifest(attempt, headers)
  if (operation.id === 'receiveWebhook') sign(attempt, headers, webhookSecret)
  const access = thing?.access
  if (access === undefined || !operation.parameters.some(({ name }) => name === 'access') || chance.is(0.7))
    return attempt
  return { ...attempt, path: `${attempt.path}?access=${access}`, hasAccess: true }
}

function thingFor({ operation, person, chance, world, isForeign, id }: Wish): Thing | null {
  const kinds = kindsOf(operation)
  if (kinds.length === 0) return null
  if (id !== undefined) return kinds.map(kind => world.find(kind, id)).find(thing => thing !== undefined) ?? null
  const seesAll = person !== null && maySeeForeign(operation.id, person.role)
  const wanted = (thing: Thing) => thing.owner === null || seesAll || (thing.owner === person) !== isForeign
  const kind = chance.one(kinds)
  return world.some(kind, chance, wanted) ?? world.some(kinds[0]!, chance, wanted) ?? world.some(kind, chance)
}

function queryFor({ operation, chance }: Wish): string {
  switch (operation.id) {
    case 'listSeats':
      return '?section=A'
    case 'listEvents':
      return chance.one([
        '',
        '?limit=5',
        '?q=evening',
        '?q=Eveninq&city=bern',
        '?from=2030-01-01&status=onsale',
        '?status=paused&limit=100',
      ])
    case 'listMyReservations':
    case 'listMyTickets':
      return chance.one(['', '?limit=1', '?limit=100'])
    case 'getFigures':
      return chance.one(['', '?minutes=1', '?minutes=1440'])
    case 'getSeatMap':
      return chance.one(['', '?v=1', '?v=none'])
    default:
      return ''
  }
}

/** One in three log-ins is a guess at one account from one address: after a few they are 429. */
function isGuessing({ operation, index }: Wish): boolean {
  return operation.id === 'logIn' && index % 3 === 0
}

/** Everybody has an address of their own, or a sign-up would be one too many for its network. */
function addressOf(chance: Chance): string {
  return `10.${chance.below(256)}.${chance.below(256)}.1`
}

function bodyFor(wish: Wish, thing: Thing | null): unknown {
  const { operation, person, chance, world } = wish
  switch (operation.id) {
    case 'holdSeats':
      return holdFor(wish)
    case 'checkOut': {
      const mark = person?.mark ?? 'nobody'
      const back = chance.is(0.3) ? { return_url: 'https://example.org/back' } : {}
      return { email: `${mark}@example.org`, name: mark, ...back }
    }
    case 'logIn':
      if (isGuessing(wish)) return { email: 'guessed@example.org', password: chance.word(20) }
      return chance.is(0.5) && world.all('account').length > 0
        ? { email: `${world.some('account', chance)!.of}@example.org`, password: throwawayPassword }
        : { email: `${chance.word(9)}@example.org`, password: chance.word(20) }
    case 'signUp':
    case 'createStaff': {
      const mark = chance.is(0.1) ? 'twice' : `acc${chance.word(12)}`
      const account = { email: `${mark}@example.org`, name: mark, password: throwawayPassword }
      return operation.id === 'signUp'
        ? account
        : { ...account, role: chance.one(['customer', 'door', 'support', 'finance']) }
    }
    case 'changeStaff':
      return { role: chance.one(['customer', 'door', 'support', 'finance', 'organizer']) }
    case 'changeSale':
      return {
        action: chance.one(['open', 'pause', 'resume', 'schedule', 'open', 'pause', 'resume', 'close']),
        ...(chance.is(0.3) && { onsale_at: '2034-01-01T10:00:00Z' }),
      }
    case 'importSeatMap':
      return planOf({
        rows: chance.between(1, 4),
        seatsPerRow: chance.between(1, 9),
        areas: chance.is(0.5) ? { floor: 20 } : {},
      })
    case 'refundReservation': {
      const tickets = world.all('ticket').filter(ticket => ticket.of === thing?.id)
      return { reason: 'fuzz', ...(tickets.length > 0 && chance.is(0.4) && { tickets: [chance.one(tickets).id] }) }
    }
    default:
      return operation.bodySchema === null ? {} : valueFor(operation.bodySchema, chance, hintsFor(wish))
  }
}

const throwawayPassword = 'a password nobody guesses'

function holdFor({ person, chance, world, isForeign }: Wish): object {
  const event = world.some(chance.is(0.9) ? 'shop' : 'workshop', chance)!
  const first = chance.below(world.shopSeats.length)
  const live = world.some('reservation', chance, thing => (thing.owner === person) !== isForeign)
  const replaces = chance.is(0.15) && live !== null ? { replaces: live.id } : {}
  const places = chance.one([
    { seat_ids: world.shopSeats.slice(first, first + chance.between(1, 4)) },
    { areas: [{ area_id: chance.one(['floor', 'terrace']), quantity: chance.between(1, 4) }] },
    { areas: [{ area_id: 'floor', quantity: chance.between(1, 4) }] },
    {
      best_available: {
        quantity: chance.between(1, 3),
        ...(chance.is(0.3) && { together: false }),
        ...(chance.is(0.3) && { section: 'A' }),
      },
    },
    { seat_ids: [world.shopSeats[first]!], areas: [{ area_id: 'terrace', quantity: 1 }] },
  ])
  return { event_id: event.id, ...places, ...replaces }
}

/** What a schema does not say of a member: which of the things there are it has to name. */
function hintsFor({ chance, world }: Wish): (name: string) => unknown {
  return name => {
    switch (name) {
      case 'venue_id':
        return world.all('venue')[0]!.id
      case 'seatmap_id':
        return world.all('map')[0]!.id
      case 'timezone':
        return chance.one(['Europe/Zurich', 'Europe/Berlin', 'America/New_York', 'UTC'])
      case 'price_levels':
        return ['Front', 'Back', 'Floor', ...(chance.is(0.3) ? ['Extra'] : [])].map(price_level => ({
          price_level,
          amount: chance.one([0, 1, 100, 4500, 1_000_000_000]),
        }))
      case 'currency':
        return chance.one(['CHF', 'EUR', 'JPY', 'KWD'])
      case 'seat_ids':
        return [chance.one(world.shopSeats)]
      case 'sections':
        return ['A']
      case 'rows':
        return [{ section: 'A', row: String(chance.between(1, 8)) }]
      case 'price_level':
        return chance.one(['Front', 'Back'])
      default:
        return undefined
    }
  }
}

function asManifest(attempt: Attempt, headers: [string, string][]): void {
  attempt.body = 'section,row,number,x,y,price_level\nA,1,1,0,0,Front\nA,1,2,10,0,Front\n'
  headers.find(([name]) => name === 'content-type')![1] = 'text/csv'
}

/** Well signed news of an intent that nobody knows: to be taken, and to change nothing. */
function sign(attempt: Attempt, headers: [string, string][], secret: string): void {
  const nowSeconds = Math.floor(Date.now() / 1000)
  const { body, signature } = forge('unknown intent', { ref: '', paymentId: '', amount: 1, secret, nowSeconds })
  attempt.body = body
  headers.push(['content-type', 'application/json'], ['stripe-signature', signature])
}
