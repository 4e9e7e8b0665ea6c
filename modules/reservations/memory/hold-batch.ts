import { assert } from '#kernel/assert.ts'
import type { MemoryConnection } from '#platform/memory/database.ts'
import { Contention } from '#platform/memory/faults.ts'
import type { MemoryTx } from '#platform/memory/memory-tx.ts'
import { judgeRequest } from '../hold/judge-request.ts'
import type { HoldBatchAnswer, HoldOutcome, HoldRequest } from '../ports.ts'
import { stateAt } from '../reservation.ts'
import { isClaimable } from '../seat.ts'
import { endReservations } from './end-reservations.ts'
import {
  areaKey,
  areas,
  byArea,
  byEnd,
  bySeat,
  byUser,
  eventKey,
  events,
  type ReservationRow,
  reservationKey,
  reservations,
  type SeatRow,
  salesFence,
  seatKey,
  seats,
} from './tables.ts'
import { tell } from './tell.ts'

/**
 * Twin of the careful way of `holdfast.hold_batch`, statement by statement, so that a simulation meets the same interleavings.
 * The function's fast way has no twin: it is the same decision with fewer statements, or undone.
 */
export function holdBatch(
  db: MemoryConnection,
  origin: string,
  requests: readonly HoldRequest[],
): Promise<HoldBatchAnswer> {
  return db.transaction('hold batch', tx => new Batch(tx, origin, requests).decide(), { lockTimeoutMs: 500 })
}

type AreaName = { eventNo: number; areaNo: number }

class Batch {
  readonly #tx: MemoryTx
  readonly #origin: string
  readonly #requests: readonly HoldRequest[]
  readonly #now: number
  /** Null while a request may still have everything. */
  readonly #outcomes: (HoldOutcome | null)[]
  readonly #expiresAt: number[]
  readonly #extensions: number[]

  constructor(tx: MemoryTx, origin: string, requests: readonly HoldRequest[]) {
    this.#tx = tx
    this.#origin = origin
    this.#requests = requests
    this.#now = tx.now()
    this.#outcomes = requests.map(() => null)
    this.#expiresAt = requests.map(request => this.#now + request.holdSeconds * 1000)
    this.#extensions = requests.map(request => request.extensions)
  }

  async decide(): Promise<HoldBatchAnswer> {
    const overdue = await this.#lookAtEventsAndUsers()
    const toEnd = await this.#lockOwnOverdue(overdue)
    await this.#lockReplaced()
    const touched = await this.#touchedAreas()
    toEnd.push(...(await this.#lockOverdueOfShortAreas(touched)))
    if (toEnd.length > 0)
      await endReservations(this.#tx, toEnd, {
        state: 'expired',
        now: this.#now,
        origin: this.#origin,
        areasToLock: touched,
      })
    await this.#lockSeats()
    await this.#takePlaces(touched)
    await this.#askAgainWhereItWasTheSameUser()
    await this.#endReplaced()
    await this.#insertReservations()
    const generations = await this.#moveSeats()
    await this.#moveAreas()
    return {
      judgedAt: this.#now,
      outcomes: this.#outcomes.map(
        (outcome, i) =>
          outcome ?? {
            kind: 'held',
            createdAt: this.#now,
            expiresAt: this.#expiresAt[i]!,
            extensionsLeft: this.#extensions[i]!,
            generations: this.#requests[i]!.seats.map(seat => generations.get(this.#seatKey(i, seat))!),
          },
      ),
    }
  }

  /** (a) what these users already have here, (b) what the event says, in one look. */
  #lookAtEventsAndUsers(): Promise<boolean[]> {
    return this.#tx.read('events and users', view => {
      const fence = view.rows(salesFence)[0]
      return this.#requests.map((request, i) => {
        const own = view.rows(reservations, {
          where: row => row.eventNo === request.eventNo && row.userId === request.userId,
        })
        this.#outcomes[i] = judgeRequest(request, {
          event: view.get(events, eventKey(request.eventNo)) ?? null,
          salesClosed: fence?.closed !== false,
          own,
          now: this.#now,
        })
        return own.some(row => this.#isOverdue(row))
      })
    })
  }

  /** Their own holds that have run out. One that somebody else is about to end is left to them. */
  async #lockOwnOverdue(overdue: boolean[]): Promise<ReservationRow[]> {
    const asking = this.#open().filter(i => overdue[i])
    if (asking.length === 0) return []
    const isOwn = (i: number, row: ReservationRow) =>
      row.eventNo === this.#requests[i]!.eventNo && row.userId === this.#requests[i]!.userId
    const locked = await this.#tx.lock(reservations, {
      where: row => this.#isOverdue(row) && asking.some(i => isOwn(i, row)),
      order: byUser,
      skipLocked: true,
    })
    for (const i of asking) if (!locked.some(row => isOwn(i, row))) this.#outcomes[i] = { kind: 'again' }
    return locked
  }

  /** What is to be replaced, looked at again under its lock. */
  async #lockReplaced(): Promise<void> {
    for (const i of this.#replacing()) {
      const { eventNo, userId, replaces } = this.#requests[i]!
      const [replaced] = await this.#tx.lock(reservations, {
        keys: [reservationKey(eventNo, replaces!)],
        where: row => row.userId === userId && row.state === 'pending_payment',
        skipLocked: true,
      })
      if (replaced === undefined) this.#outcomes[i] = { kind: 'again' }
      else if (replaced.reservedAt !== null) this.#outcomes[i] = { kind: 'replaced-is-being-paid' }
      else if (replaced.expiresAt <= this.#tx.now()) this.#outcomes[i] = { kind: 'replaced-has-ended' }
      else {
        this.#expiresAt[i] = replaced.expiresAt
        this.#extensions[i] = replaced.extensionsLeft
      }
    }
  }

  async #touchedAreas(): Promise<AreaName[]> {
    if (!this.#wantsPlaces()) return []
    const asked = this.#open().flatMap(i =>
      this.#requests[i]!.areas.map(({ areaNo }) => ({ eventNo: this.#requests[i]!.eventNo, areaNo })),
    )
    const givenBack = await this.#tx.read('areas of the replaced', view =>
      this.#replacing().flatMap(i => {
        const { eventNo, replaces } = this.#requests[i]!
        const replaced = view.get(reservations, reservationKey(eventNo, replaces!))
        return (replaced?.areas ?? []).map(({ areaNo }) => ({ eventNo, areaNo }))
      }),
    )
    const byKey = new Map([...asked, ...givenBack].map(area => [areaKey(area.eventNo, area.areaNo), area]))
    return [...byKey.values()]
  }

  async #lockOverdueOfShortAreas(touched: readonly AreaName[]): Promise<ReservationRow[]> {
    if (touched.length === 0) return []
    const wanted = new Map<string, number>()
    for (const i of this.#open())
      for (const { areaNo, quantity } of this.#requests[i]!.areas) {
        const key = areaKey(this.#requests[i]!.eventNo, areaNo)
        wanted.set(key, (wanted.get(key) ?? 0) + quantity)
      }
    const short = await this.#tx.read('short areas', view => {
      const isShort = (key: string) => (view.get(areas, key)?.available ?? Number.POSITIVE_INFINITY) < wanted.get(key)!
      return new Set([...wanted.keys()].filter(isShort))
    })
    if (short.size === 0) return []
    return this.#tx.lock(reservations, {
      where: row => this.#isOverdue(row) && row.areas.some(({ areaNo }) => short.has(areaKey(row.eventNo, areaNo))),
      order: byEnd,
      limit: 500,
      skipLocked: true,
    })
  }

  /** (c) Locks what can be had, in order, skipping what is busy. Of what is missing: taken if it cannot be claimed. */
  async #lockSeats(): Promise<void> {
    const wanted = new Map(
      this.#open().flatMap(i => this.#requests[i]!.seats.map(seat => [this.#seatKey(i, seat), i] as const)),
    )
    if (wanted.size === 0) return
    const claimable = (seat: Parameters<typeof isClaimable>[0], key: string) =>
      isClaimable(seat, this.#now, this.#requests[wanted.get(key)!]!.replaces)
    const locked = await this.#tx.lock(seats, {
      keys: wanted.keys(),
      where: seat => claimable(seat, seatKey(seat.eventNo, seat.seatNo)),
      order: bySeat,
      skipLocked: true,
    })
    if (locked.length === wanted.size) return
    const had = new Set(locked.map(seat => seatKey(seat.eventNo, seat.seatNo)))
    await this.#tx.read('missing seats', view => {
      for (const i of this.#open()) {
        const missing = this.#requests[i]!.seats.filter(seat => !had.has(this.#seatKey(i, seat)))
        if (missing.length === 0) continue
        const taken = missing.filter(seat => {
          const key = this.#seatKey(i, seat)
          const row = view.get(seats, key)
          return row === undefined || !claimable(row, key)
        })
        this.#outcomes[i] =
          taken.length === 0 ? { kind: 'busy' } : { kind: 'taken', seatNos: taken.map(seat => seat.seatNo) }
      }
    })
  }

  /** Areas: locked in order, then first come, first served within the batch. */
  async #takePlaces(touched: readonly AreaName[]): Promise<void> {
    if (touched.length === 0) return
    const locked = await this.#tx.lock(areas, {
      keys: touched.map(area => areaKey(area.eventNo, area.areaNo)),
      order: byArea,
    })
    let left = new Map(locked.map(area => [areaKey(area.eventNo, area.areaNo), area.available]))
    const inArrivalOrder = this.#open()
      .filter(i => this.#requests[i]!.areas.length > 0)
      .sort((a, b) => this.#requests[a]!.arrival - this.#requests[b]!.arrival)
    const replaced = await this.#tx.read('what the replaced give back', view =>
      inArrivalOrder.map(i => {
        const { eventNo, replaces } = this.#requests[i]!
        return replaces === null ? [] : view.get(reservations, reservationKey(eventNo, replaces))!.areas
      }),
    )
    for (const [n, i] of inArrivalOrder.entries()) {
      const { eventNo, areas: asked } = this.#requests[i]!
      const after = new Map(left)
      for (const { areaNo, quantity } of replaced[n]!) {
        const key = areaKey(eventNo, areaNo)
        after.set(key, after.get(key)! + quantity)
      }
      for (const { areaNo, quantity } of asked) {
        const available = after.get(areaKey(eventNo, areaNo)) ?? 0
        if (available < quantity) {
          this.#outcomes[i] = { kind: 'capacity', areaNo, available }
          break
        }
        after.set(areaKey(eventNo, areaNo), available - quantity)
      }
      if (this.#outcomes[i] === null) left = after
    }
  }

  /** The seat or place may have gone to this very user meanwhile, under this key or another: the next batch sees which. */
  async #askAgainWhereItWasTheSameUser(): Promise<void> {
    const refused = this.#outcomes.flatMap((outcome, i) =>
      outcome?.kind === 'taken' || outcome?.kind === 'capacity' ? [i] : [],
    )
    if (refused.length === 0) return
    await this.#tx.read('the refused once more', view => {
      for (const i of refused) {
        const { eventNo, userId, keyHash, replaces } = this.#requests[i]!
        const since = view.rows(reservations, {
          where: row =>
            row.eventNo === eventNo &&
            row.userId === userId &&
            (row.keyHash === keyHash ||
              (stateAt(row, this.#now) === 'pending_payment' && row.reservationId !== replaces)),
        })
        if (since.length > 0) this.#outcomes[i] = { kind: 'again' }
      }
    })
  }

  async #endReplaced(): Promise<void> {
    const replacing = this.#replacing()
    if (replacing.length === 0) return
    const replaced = await this.#tx.read('the replaced', view =>
      replacing.map(
        i => view.get(reservations, reservationKey(this.#requests[i]!.eventNo, this.#requests[i]!.replaces!))!,
      ),
    )
    await endReservations(this.#tx, replaced, { state: 'cancelled', now: this.#now, origin: this.#origin })
  }

  /** (d) A row that is not inserted met one that we could not see yet: again, in the next batch. */
  async #insertReservations(): Promise<void> {
    const winners = this.#open()
    const inserted = await this.#tx.insert(
      reservations,
      winners.map(i => this.#reservation(i)),
      { onConflict: 'nothing' },
    )
    const made = new Set(inserted.map(row => row.reservationId))
    for (const i of winners) {
      if (made.has(this.#requests[i]!.reservationId)) continue
      if (this.#requests[i]!.replaces !== null)
        throw new Contention('a reservation that replaces another met a key of the same user')
      this.#outcomes[i] = { kind: 'again' }
    }
  }

  #reservation(i: number): ReservationRow {
    const { eventNo, reservationId, userId, keyHash, requestHash, seats, areas, ...rest } = this.#requests[i]!
    const expiresAt = this.#expiresAt[i]!
    const extensionsLeft = this.#extensions[i]!
    return {
      eventNo,
      reservationId,
      userId,
      state: 'pending_payment',
      revision: 1,
      extensionsLeft,
      createdAt: this.#now,
      expiresAt,
      reservedAt: null,
      amount: rest.amount,
      currency: rest.currency,
      seats: [...seats],
      areas: [...areas],
      initial: { expiresAt, extensionsLeft },
      quantity: rest.quantity,
      liveTickets: 0,
      endedAt: null,
      keyHash,
      requestHash,
      replaces: rest.replaces,
    }
  }

  /** (e) The seats, each row once, and (f) one message a reservation. */
  async #moveSeats(): Promise<Map<string, number>> {
    const holders = new Map(
      this.#open().flatMap(i => this.#requests[i]!.seats.map(seat => [this.#seatKey(i, seat), i] as const)),
    )
    const moved = await this.#tx.update(seats, {
      keys: holders.keys(),
      where: seat => isClaimable(seat, this.#now),
      set: (seat): SeatRow => {
        const i = holders.get(seatKey(seat.eventNo, seat.seatNo))!
        return {
          ...seat,
          status: 'held',
          heldUntil: this.#expiresAt[i]!,
          reservationId: this.#requests[i]!.reservationId,
          generation: seat.generation + 1,
        }
      },
    })
    assert(moved.length === holders.size, 'a batch moves the seats that it locked')
    const generations = new Map(moved.map(seat => [seatKey(seat.eventNo, seat.seatNo), seat.generation]))
    const seatsFirst = this.#open().sort((a, b) => Number(this.#isForAreasOnly(a)) - Number(this.#isForAreasOnly(b)))
    await tell(
      this.#tx,
      seatsFirst.map(i => ({
        occurredAt: this.#now,
        eventNo: this.#requests[i]!.eventNo,
        type: 'ReservationCreated',
        subject: this.#requests[i]!.reservationId,
        revision: 1,
        origin: this.#origin,
        userId: this.#requests[i]!.userId,
        heldUntil: this.#expiresAt[i]!,
        seats: this.#requests[i]!.seats.map(seat => ({
          seatNo: seat.seatNo,
          generation: generations.get(this.#seatKey(i, seat))!,
        })),
      })),
    )
    return generations
  }

  async #moveAreas(): Promise<void> {
    const taken = new Map<string, number>()
    for (const i of this.#open())
      for (const { areaNo, quantity } of this.#requests[i]!.areas) {
        const key = areaKey(this.#requests[i]!.eventNo, areaNo)
        taken.set(key, (taken.get(key) ?? 0) + quantity)
      }
    if (taken.size === 0) return
    await this.#tx.update(areas, {
      keys: taken.keys(),
      set: area => ({
        ...area,
        available: area.available - taken.get(areaKey(area.eventNo, area.areaNo))!,
        generation: area.generation + 1,
      }),
    })
  }

  /** The requests that may still have everything. */
  #open(): number[] {
    return this.#outcomes.flatMap((outcome, i) => (outcome === null ? [i] : []))
  }

  #replacing(): number[] {
    return this.#open().filter(i => this.#requests[i]!.replaces !== null)
  }

  #wantsPlaces(): boolean {
    return this.#requests.some(request => request.areas.length > 0)
  }

  #isForAreasOnly(i: number): boolean {
    return this.#requests[i]!.seats.length === 0
  }

  #isOverdue(row: ReservationRow): boolean {
    return row.state === 'pending_payment' && row.reservedAt === null && row.expiresAt <= this.#now
  }

  #seatKey(i: number, seat: { seatNo: number }): string {
    return seatKey(this.#requests[i]!.eventNo, seat.seatNo)
  }
}
