import fc from 'fast-check'
import { newId, type ReservationId, type UserId } from '#kernel/ids.ts'
import type { AreaItem, HoldRequest, SeatItem } from '../ports.ts'
import { type Hall, type Stand, startMs } from './stand.ts'

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

export type Draft =
  | { kind: 'hold'; careful: boolean; requests: RequestDraft[] }
  | { kind: 'resend'; which: number }
  | { kind: 'extend' | 'cancel'; which: number; byOwner: boolean }
  | { kind: 'expire'; limit: number }
  | { kind: 'set-aside'; event: number; seats: number[]; block: boolean }
  | { kind: 'find'; which: number }
  | { kind: 'list'; user: number; limit: number }
  | { kind: 'advance'; by: 'a moment' | 'minutes' | 'to the next end' | 'just before the next end' }
  | { kind: 'event'; event: number; change: 'version' | 'paused' | 'onsale' | 'scheduled' | 'scheduled later' }
  | { kind: 'fence'; closed: boolean }

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

export const buyerDraft: fc.Arbitrary<Draft> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('hold' as const),
      careful: fc.boolean(),
      requests: fc.array(request, { minLength: 1, maxLength: 4, size: 'max' }),
    }),
  },
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
  { weight: 5, arbitrary: advanceDraft },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('event' as const),
      event,
      change: fc.constantFrom('version', 'paused', 'onsale', 'onsale', 'onsale', 'scheduled', 'scheduled later'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('fence' as const), closed: fc.constantFrom(true, false, false) }),
  },
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
  readonly #made: { eventNo: number; reservationId: ReservationId; userId: UserId }[] = []
  readonly #sent: Extract<Command, { kind: 'hold' }>[] = []

  /** The command a draft stands for now; null if it speaks of something that is not there. */
  resolve(drafted: Draft, clock: { now: number; nextEnd: number | null }): Command | null {
    switch (drafted.kind) {
      case 'hold':
        return this.#hold(drafted)
      case 'resend':
        return this.#sent.at(-1 - (drafted.which % Math.max(1, this.#sent.length))) ?? null
      case 'extend':
      case 'cancel': {
        const made = this.#madeBefore(drafted.which)
        if (made === undefined) return null
        const stranger = this.#users.find(other => other !== made.userId)!
        return { ...made, kind: drafted.kind, userId: drafted.byOwner ? made.userId : stranger }
      }
      case 'expire':
        return drafted
      case 'set-aside': {
        const { eventNo, seatCount } = halls[drafted.event]!
        const seatNos = drafted.seats.filter(seatNo => seatNo < seatCount)
        const change = drafted.block ? { blocked: `reason ${drafted.seats.length}` } : { available: true as const }
        return { kind: 'set-aside', eventNo, seatNos, change }
      }
      case 'find': {
        const made = this.#madeBefore(drafted.which)
        return made === undefined ? null : { kind: 'find', eventNo: made.eventNo, reservationId: made.reservationId }
      }
      case 'list':
        return { kind: 'list', userId: this.#users[drafted.user]!, limit: drafted.limit }
      case 'advance': {
        if (drafted.by === 'a moment') return { kind: 'advance', ms: 1 }
        if (drafted.by === 'minutes' || clock.nextEnd === null) return { kind: 'advance', ms: 150_000 }
        const toEnd = clock.nextEnd - clock.now
        return { kind: 'advance', ms: drafted.by === 'to the next end' ? toEnd : toEnd - 1 }
      }
      case 'event': {
        const changed = this.#events[drafted.event]!
        if (drafted.change === 'version') changed.version++
        else changed.status = drafted.change === 'scheduled later' ? 'scheduled' : drafted.change
        changed.onsaleAt =
          changed.status === 'scheduled' ? clock.now + (drafted.change === 'scheduled' ? 0 : 60_000) : null
        return { kind: 'event', ...changed }
      }
      case 'fence':
        return drafted
    }
  }

  #hold({ careful, requests }: Extract<Draft, { kind: 'hold' }>): Command | null {
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
        holdSeconds: drafted.holdSeconds + this.#made.length + resolved.length,
        extensions: drafted.extensions,
        replaces: this.#replaced(drafted, eventNo, userId),
        probe: drafted.probe,
        arrival,
      })
    }
    if (resolved.length === 0) return null
    resolved.sort((a, b) => a.eventNo - b.eventNo || (a.userId < b.userId ? -1 : 1))
    for (const { eventNo, reservationId, userId } of resolved) this.#made.push({ eventNo, reservationId, userId })
    const command = { kind: 'hold' as const, careful, requests: resolved }
    this.#sent.push(command)
    return command
  }

  #replaced({ replaces }: RequestDraft, eventNo: number, userId: UserId): ReservationId | null {
    if (replaces === 'nothing') return null
    const made =
      replaces === 'own'
        ? this.#made.findLast(other => other.eventNo === eventNo && other.userId === userId)
        : this.#madeBefore(replaces)
    return made?.reservationId ?? null
  }

  #madeBefore(index: number) {
    return this.#made.at(-1 - (index % Math.max(1, this.#made.length)))
  }
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

/** When the next live hold ends. */
export async function nextEndOf(stand: Stand): Promise<number | null> {
  const ends = (await stand.tables()).reservations
    .filter(row => row.state === 'pending_payment' && row.expiresAt > stand.now())
    .map(row => row.expiresAt)
  return ends.length === 0 ? null : Math.min(...ends)
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
