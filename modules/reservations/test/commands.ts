import fc from 'fast-check'
import { newId, type ReservationId, type UserId } from '#kernel/ids.ts'
import type { AreaItem, HoldRequest, SeatItem } from '../ports.ts'
import { type Hall, type Stand, startMs, type Tables } from './stand.ts'

/**
 * Commands as fast-check draws them, in small numbers (the second user, the reservation made before last), and as stores take
 * them. Few users, seats and keys, so that they meet.
 */
export const halls: Hall[] = [
  { eventNo: 1, seatCount: 6, areas: [5, 2], blocked: [{ seatNo: 5, reason: 'camera' }] },
  { eventNo: 2, seatCount: 4, areas: [3] },
]
const userCount = 4

export type RequestDraft = {
  event: number
  user: number
  key: number
  body: number
  seats: number[]
  areas: { areaNo: number; quantity: number }[]
  replaces: 'nothing' | 'own' | number
  probe: boolean
  stale: boolean
  limit: number
  holdSeconds: number
  extensions: number
}

type HoldDraft = { kind: 'hold'; careful: boolean; requests: RequestDraft[] }

export type Draft =
  | HoldDraft
  | { kind: 'resend'; which: number }
  | { kind: 'extend' | 'cancel'; which: number; byOwner: boolean }
  | { kind: 'expire'; limit: number }
  | { kind: 'set-aside'; event: number; seats: number[]; block: boolean }
  | { kind: 'find'; which: number }
  | { kind: 'list'; user: number; limit: number }
  | { kind: 'advance'; by: 'a moment' | 'minutes' | 'to the next end' | 'just before the next end' }
  /** Somebody tries to hold while the sale is not what it was. */
  | { kind: 'meanwhile'; what: 'fence closed' | 'paused' | 'scheduled' | 'scheduled later'; hold: HoldDraft }
  | { kind: 'new version'; event: number }

export type Command =
  | { kind: 'hold'; careful: boolean; requests: HoldRequest[] }
  | { kind: 'extend' | 'cancel'; eventNo: number; reservationId: ReservationId; userId: UserId }
  | { kind: 'expire'; limit: number }
  | { kind: 'set-aside'; eventNo: number; seatNos: number[]; change: { blocked: string } | { available: true } }
  | { kind: 'find'; eventNo: number; reservationId: ReservationId }
  | { kind: 'list'; userId: UserId; limit: number }
  | { kind: 'advance'; ms: number }
  | { kind: 'event'; eventNo: number; version: number; status: string; onsaleAt: number | null }
  | { kind: 'fence'; closed: boolean }

const event = fc.nat(halls.length - 1)
const user = fc.nat(userCount - 1)
const which = fc.nat(7)

const request = fc.record<RequestDraft>({
  event: fc.constantFrom(0, 0, 1),
  user,
  key: fc.nat(3),
  body: fc.constantFrom(0, 0, 0, 1),
  seats: fc.uniqueArray(fc.nat(5), { maxLength: 3 }),
  areas: fc.oneof(
    { weight: 2, arbitrary: fc.constant<RequestDraft['areas']>([]) },
    {
      weight: 1,
      arbitrary: fc.uniqueArray(fc.record({ areaNo: fc.nat(2), quantity: fc.integer({ min: 1, max: 3 }) }), {
        maxLength: 2,
        selector: area => area.areaNo,
      }),
    },
  ),
  replaces: fc.oneof(
    { weight: 6, arbitrary: fc.constant('nothing' as const) },
    { weight: 3, arbitrary: fc.constant('own' as const) },
    { weight: 1, arbitrary: which },
  ),
  probe: fc.constantFrom(false, false, false, false, false, true),
  stale: fc.constantFrom(false, false, false, false, false, false, false, false, true),
  limit: fc.integer({ min: 3, max: 6 }),
  holdSeconds: fc.constantFrom(600, 600, 120),
  extensions: fc.nat(2),
})

const holdDraft = fc.record<HoldDraft>({
  kind: fc.constant('hold' as const),
  careful: fc.boolean(),
  requests: fc.array(request, { minLength: 1, maxLength: 4, size: 'max' }),
})

export const buyerDraft: fc.Arbitrary<Draft> = fc.oneof(
  { weight: 8, arbitrary: holdDraft },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('resend' as const), which }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('extend' as const, 'cancel' as const),
      which,
      byOwner: fc.constantFrom(true, true, true, true, false),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('expire' as const), limit: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('set-aside' as const),
      event,
      seats: fc.uniqueArray(fc.nat(3), { minLength: 1, maxLength: 3 }),
      block: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('find' as const), which }) },
)

export const advanceDraft: fc.Arbitrary<Draft> = fc.record({
  kind: fc.constant('advance' as const),
  by: fc.constantFrom('a moment', 'minutes', 'to the next end', 'just before the next end'),
})

export const draft: fc.Arbitrary<Draft> = fc.oneof(
  { weight: 16, arbitrary: buyerDraft },
  { weight: 3, arbitrary: advanceDraft },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('meanwhile' as const),
      what: fc.constantFrom('fence closed', 'paused', 'scheduled', 'scheduled later'),
      hold: holdDraft,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('new version' as const), event }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('list' as const), user, limit: fc.integer({ min: 1, max: 3 }) }),
  },
)

/** What the drafts of one run speak of. Ids come from counters, so that the same drafts make the same commands. */
export class Cast {
  readonly #source = counterSource()
  readonly #users: UserId[] = Array.from({ length: userCount }, () => newId('usr', this.#source))
  readonly #events = halls.map(hall => ({
    eventNo: hall.eventNo,
    version: 1,
    status: 'onsale',
    onsaleAt: null as number | null,
  }))
  readonly #sent: Extract<Command, { kind: 'hold' }>[] = []
  #madeCount = 0

  /** The commands a draft stands for in this state; none if it speaks of something that is not there. */
  resolve(drafted: Draft, tables: Tables, now: number): Command[] {
    switch (drafted.kind) {
      case 'hold':
        return this.#hold(drafted, tables, now)
      case 'resend':
        return this.#sent.slice(-1 - (drafted.which % Math.max(1, this.#sent.length))).slice(0, 1)
      case 'extend':
      case 'cancel': {
        const { eventNo, reservationId, userId } = this.#pick(drafted.which, tables, now)
        const stranger = this.#users.find(other => other !== userId)!
        return [{ kind: drafted.kind, eventNo, reservationId, userId: drafted.byOwner ? userId : stranger }]
      }
      case 'expire':
        return [drafted]
      case 'set-aside': {
        const { eventNo, seatCount } = halls[drafted.event]!
        const seatNos = drafted.seats.filter(seatNo => seatNo < seatCount)
        const change = drafted.block ? { blocked: `reason ${drafted.seats.length}` } : { available: true as const }
        return [{ kind: 'set-aside', eventNo, seatNos, change }]
      }
      case 'find': {
        const { eventNo, reservationId } = this.#pick(drafted.which, tables, now)
        return [{ kind: 'find', eventNo, reservationId }]
      }
      case 'list':
        return [{ kind: 'list', userId: this.#users[drafted.user]!, limit: drafted.limit }]
      case 'advance':
        return [{ kind: 'advance', ms: this.#advance(drafted.by, tables, now) }]
      case 'new version': {
        const changed = this.#events[drafted.event]!
        changed.version++
        return [{ kind: 'event', ...changed }]
      }
      case 'meanwhile': {
        const hold = this.#hold(drafted.hold, tables, now)
        if (drafted.what === 'fence closed')
          return [{ kind: 'fence', closed: true }, ...hold, { kind: 'fence', closed: false }]
        const status = drafted.what === 'paused' ? 'paused' : 'scheduled'
        const onsaleAt = drafted.what === 'paused' ? null : drafted.what === 'scheduled' ? now : now + 1
        const changes = this.#events.map(({ eventNo, version }) => ({ kind: 'event' as const, eventNo, version }))
        return [
          ...changes.map(event => ({ ...event, status, onsaleAt })),
          ...hold,
          ...changes.map(event => ({ ...event, status: 'onsale', onsaleAt: null })),
        ]
      }
    }
  }

  #advance(by: Extract<Draft, { kind: 'advance' }>['by'], tables: Tables, now: number): number {
    const ends = tables.reservations.filter(row => isLive(row, now)).map(row => row.expiresAt - now)
    if (by === 'a moment') return 1
    if (by === 'minutes' || ends.length === 0) return 150_000
    return by === 'to the next end' ? Math.min(...ends) : Math.min(...ends) - 1
  }

  #hold({ careful, requests }: HoldDraft, tables: Tables, now: number): Command[] {
    const users = new Set<string>()
    const named = new Set<string>()
    const resolved: HoldRequest[] = []
    for (const [arrival, drafted] of requests.entries()) {
      const { eventNo, seatCount, areas } = halls[drafted.event]!
      const userId = this.#users[drafted.user]!
      if (users.has(`${eventNo} ${userId}`)) continue
      const seats: SeatItem[] = drafted.seats
        .filter(seatNo => seatNo < seatCount && !named.has(`${eventNo} ${seatNo}`))
        .map(seatNo => ({ seatNo, level: seatNo % 2, amount: 1000 + seatNo }))
      const places: AreaItem[] = drafted.areas
        .filter(area => area.areaNo <= areas.length)
        .map(area => ({ ...area, level: 2, amount: 500 }))
      const quantity = seats.length + places.reduce((sum, area) => sum + area.quantity, 0)
      if (quantity === 0) continue
      users.add(`${eventNo} ${userId}`)
      for (const { seatNo } of seats) named.add(`${eventNo} ${seatNo}`)
      const known = this.#events[drafted.event]!
      resolved.push({
        eventNo,
        userId,
        reservationId: newId('rsv', this.#source, eventNo),
        keyHash: String(drafted.key).padStart(32, '0'),
        requestHash: String(drafted.body).padStart(32, 'f'),
        eventVersion: drafted.stale ? known.version - 1 : known.version,
        seats,
        areas: places,
        quantity,
        amount: seats.reduce((sum, seat) => sum + seat.amount, 0) + 500 * (quantity - seats.length),
        currency: 'EUR',
        ticketLimit: drafted.limit,
        // No two end at once: which of them a limited sweep takes first is nobody's promise.
        holdSeconds: drafted.holdSeconds + this.#madeCount++,
        extensions: drafted.extensions,
        replaces: this.#replaced(drafted, { eventNo, userId }, tables, now),
        probe: drafted.probe,
        arrival,
      })
    }
    if (resolved.length === 0) return []
    resolved.sort((a, b) => a.eventNo - b.eventNo || (a.userId < b.userId ? -1 : 1))
    const command = { kind: 'hold' as const, careful, requests: resolved }
    this.#sent.push(command)
    return [command]
  }

  #replaced(
    { replaces }: RequestDraft,
    user: { eventNo: number; userId: UserId },
    tables: Tables,
    now: number,
  ): ReservationId | null {
    if (replaces === 'nothing') return null
    if (replaces !== 'own') return this.#pick(replaces, tables, now).reservationId
    const own = tables.reservations.filter(row => row.eventNo === user.eventNo && row.userId === user.userId)
    return (own.find(row => isLive(row, now)) ?? own.at(-1))?.reservationId ?? null
  }

  /** Live reservations first, then others, the one asked for last, which may be under way, and one that does not exist. */
  #pick(index: number, { reservations }: Tables, now: number) {
    const unknown = { eventNo: 1, reservationId: newId('rsv', this.#source, 1), userId: this.#users[0]! }
    const known = [
      ...reservations.filter(row => isLive(row, now)),
      ...reservations.filter(row => !isLive(row, now)),
      ...(this.#sent.at(-1)?.requests.slice(0, 1) ?? []),
      unknown,
    ]
    return known[index % known.length]!
  }
}

function isLive({ state, expiresAt }: Tables['reservations'][number], now: number): boolean {
  return state === 'pending_payment' && expiresAt > now
}

export const extensionSeconds = 300

/** What a store answers. A fault is an answer too: an unexpected one then stands where two stores differ. */
export async function perform(stand: Stand, command: Command): Promise<unknown> {
  try {
    switch (command.kind) {
      case 'hold':
        return await stand.holdBatch(command.requests, { careful: command.careful })
      case 'extend':
        return await stand.store.extend({ ...command, extensionSeconds })
      case 'cancel':
        return await stand.store.cancel(command)
      case 'expire':
        return await stand.store.expireDue(command.limit)
      case 'set-aside':
        return await stand.store.setAside(command)
      case 'find':
        return await stand.store.find(command.eventNo, command.reservationId)
      case 'list':
        return await stand.store.listOfUser(command.userId, command)
      case 'advance':
        return await stand.advance(command.ms)
      case 'event':
        return await stand.setEvent(command)
      case 'fence':
        return await stand.setFence(command.closed)
    }
  } catch (error) {
    return { fault: `${(error as Error).name}: ${(error as Error).message}` }
  }
}

/** Ids in the order of asking. */
export function counterSource() {
  let count = 0
  return {
    clock: { now: () => startMs, monotonic: () => 0, sleep: () => Promise.resolve() },
    random: {
      bytes(length: number) {
        const bytes = Buffer.alloc(length)
        // The last two bytes: time, event and version of an id leave them alone.
        bytes.writeUInt16BE(++count, length - 2)
        return bytes
      },
      fraction: () => 0.5,
    },
  }
}
