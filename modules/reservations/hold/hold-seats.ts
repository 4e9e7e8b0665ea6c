import type { Availability, EventSeats, SeatFact } from '#availability'
import type { Catalog, EventDefinition } from '#catalog'
import type { HoldBody } from '#contracts/reservations.ts'
import type { Clock } from '#kernel/clock.ts'
import { RetryableFault } from '#kernel/faults.ts'
import { textHash } from '#kernel/hashes.ts'
import { newId, parseId, type ReservationId, type UserId } from '#kernel/ids.ts'
import type { Random } from '#kernel/random.ts'
import { TransientMap } from '#kernel/transient-map.ts'
import type { HoldRequest, ReservationRecord, ReservationStore } from '../ports.ts'
import { singleSeatRule } from '../single-seat-rule.ts'
import { type Attempt, answerTo, type Tried } from './answer.ts'
import type { HoldBatcher } from './batch.ts'
import type { BestSeats } from './best-seats.ts'
import type { Claim, ClaimBoard } from './claim-board.ts'
import { mayBeOnSale, refuseEarly } from './early-refusal.ts'
import { type HoldRefusal, seatIdsOf, seatsUnavailable } from './refusal.ts'
import { canonicalJson, shortHash } from './request-hash.ts'
import { type Selection, selectPlaces } from './selection.ts'

/**
 * Holds seats and places for a user: docs/concepts/holding-a-seat.md tells the whole way.
 *
 *   known event -> known places -> early refusals from memory -> claim -> batch -> answer after the commit
 *
 * Memory refuses early and never grants. Whatever the database must judge first (a repeated key, a hold the user already has)
 * is asked with a probe before memory's refusal counts, so that refusals keep the order of
 * docs/reference/http.md.
 */
export type HoldSeats = (command: HoldCommand) => Promise<HoldAnswer>

export type HoldCommand = {
  userId: UserId
  idempotencyKey: string
  body: HoldBody
  /** True once nobody waits for the answer any more. */
  isGone: () => boolean
}

export type HoldAnswer =
  | { ok: true; definition: EventDefinition; reservation: ReservationRecord; now: number; replayed: boolean }
  | HoldRefusal

export type HoldSeatsDeps = {
  catalog: Pick<Catalog, 'definitions'>
  availability: Availability
  store: Pick<ReservationStore, 'find'>
  batcher: HoldBatcher
  bestSeats: BestSeats
  board: ClaimBoard
  clock: Clock
  random: Random
}

const noSeats: ReadonlySet<number> = new Set()

/** How long a hold that met something passing is tried again before that counts as an answer. */
const patienceMs = 2000

export function createHoldSeats(deps: HoldSeatsDeps): HoldSeats {
  const { catalog, availability, store, batcher, bestSeats, board, clock } = deps
  /** One hold at a time for a user in an event: a copy shares the answer, another waits for its turn. */
  const underWay = new TransientMap<string, { keyHash: string; requestHash: string; answer: Promise<HoldAnswer> }>(
    textHash,
  )
  let arrivals = 0

  const isUnderWay = (definition: EventDefinition, userId: UserId) => underWay.has(slotOf(definition, userId))

  return async command => {
    const refused = refuseEarly(command, { catalog, availability, isUnderWay })
    if (refused !== null) return refused
    const { event_id } = command.body
    const definition = catalog.definitions.cached(event_id) ?? (await catalog.definitions.byId(event_id))
    if (definition === null) return { ok: false, code: 'event-not-found' }
    const key = { keyHash: shortHash(command.idempotencyKey), requestHash: shortHash(canonicalJson(command.body)) }
    const slot = slotOf(definition, command.userId)
    for (let other = underWay.get(slot); other !== undefined; other = underWay.get(slot)) {
      if (other.keyHash === key.keyHash) {
        if (other.requestHash !== key.requestHash) return { ok: false, code: 'idempotency-key-reused' }
        const answer = await other.answer
        return answer.ok ? { ...answer, replayed: true } : answer
      }
      await other.answer.catch(() => {})
    }
    const answer = hold(command, key, definition)
    underWay.set(slot, { ...key, answer })
    try {
      return await answer
    } finally {
      underWay.delete(slot)
    }
  }

  async function hold(
    command: HoldCommand,
    key: { keyHash: string; requestHash: string },
    first: EventDefinition,
  ): Promise<HoldAnswer> {
    const seats = availability.get(first.eventNo) ?? (await availability.load(first.eventNo))
    // From here on: the first who ask for an event wait while its seats are read, and that is no contention.
    const giveUpAt = clock.monotonic() + patienceMs
    const attempt: Attempt = {
      command,
      key,
      definition: first,
      seats,
      arrival: arrivals++,
      tries: 0,
      busySince: { tries: 0, firstAt: 0 },
      lost: noSeats,
    }
    for (; clock.monotonic() < giveUpAt; attempt.tries++) {
      const tried = await attemptHold(attempt)
      if (tried !== 'again' && tried !== 'event-changed') return tried
      if (tried === 'event-changed') {
        const { definition } = attempt
        attempt.definition = (await catalog.definitions.refresh(definition.eventNo)) ?? definition
      }
    }
    throw new RetryableFault('the seats stayed contended', { retryAfterSeconds: 1 })
  }

  async function attemptHold(attempt: Attempt): Promise<Tried> {
    const { command, definition, seats } = attempt
    const now = availability.dbNow()
    const replaces = command.body.replaces === undefined ? null : parseId('rsv', command.body.replaces)
    if (command.body.replaces !== undefined && replaces === null) return { ok: false, code: 'not-found' }
    const asked = requestBase(attempt, replaces)

    // A refusal of memory counts only if the database has nothing to say that goes before it.
    const unlessKnown = async (refusal: HoldRefusal): Promise<Tried> =>
      availability.fresh() && !seats.users.has(command.userId) ? refusal : unlessJudged(refusal)
    const unlessJudged = async (refusal: HoldRefusal): Promise<Tried> => {
      const outcome = await batcher.submit(asked, command)
      if (outcome.kind === 'clear') return refusal.code === 'not-on-sale' ? 'event-changed' : refusal
      if (outcome.kind === 'reservation-exists' && beforeExistence.has(refusal.code)) return refusal
      return answerTo(outcome, { attempt, request: asked }, deps)
    }

    if (!mayBeOnSale(definition, now)) return unlessKnown({ ok: false, code: 'not-on-sale', definition })
    const mine = replaces === null ? null : await ownSeats(definition.eventNo, replaces, command.userId)
    const isFree = (seatNo: number) => seats.isFree(seatNo, now) || (mine?.has(seatNo) ?? false)

    const wish = command.body.best_available
    const selection = wish ? chooseBest(attempt, wish, isFree, mine) : selectPlaces(definition, command.body)
    if (!selection.ok) return unlessKnown(selection)
    // Counts against the user's limit, which goes before all that is refused from here on.
    asked.quantity = selection.quantity
    if (selection.quantity > definition.ticketLimit)
      return unlessKnown({ ok: false, code: 'ticket-limit-exceeded', limit: definition.ticketLimit })

    const taken = selection.seats.filter(({ seatNo }) => !isFree(seatNo))
    if (availability.fresh() && taken.some(({ seatNo }) => seats.isSurelyTaken(seatNo, now)))
      return unlessKnown(
        seatsUnavailable(
          definition,
          taken.map(seat => seat.seatNo),
        ),
      )
    if (definition.holdPolicy.single_seat_rule === 'enforce' && taken.length === 0 && !wish) {
      const broken = singleSeatRule({
        map: definition.seatMap,
        isFree,
        chosen: selection.seats.map(seat => seat.seatNo),
        levelOf: seatNo => definition.seatLevel[seatNo]!,
      })
      if (broken !== null)
        return unlessKnown({ ok: false, code: 'seat-rule', seatIds: seatIdsOf(definition, broken.seatNos) })
    }

    const claimed = board.claim(
      definition.eventNo,
      selection.seats.map(seat => seat.seatNo),
    )
    if ('other' in claimed) {
      // That the seats are taken was found out while we waited, so it is our answer too. The database is asked nevertheless:
      // who took them may be this very user, at another process.
      const lost = (await claimed.other.settled).filter(seatNo => !mine?.has(seatNo))
      const conflicting = selection.seats
        .map(seat => seat.seatNo)
        .filter(seatNo => lost.includes(seatNo) || !isFree(seatNo))
      const isLost = !wish && conflicting.some(seatNo => lost.includes(seatNo))
      return isLost ? unlessJudged(seatsUnavailable(definition, conflicting)) : 'again'
    }
    bestSeats.changed(definition.eventNo, claimed.own.seatNos)
    asked.seats = selection.seats
    asked.areas = selection.areas
    asked.amount = selection.amount
    asked.probe = false
    return submitClaimed(asked, { claim: claimed.own, attempt, mine })
  }

  async function submitClaimed(
    request: HoldRequest,
    { claim, attempt, mine }: { claim: Claim; attempt: Attempt; mine: ReadonlySet<number> | null },
  ) {
    let taken: readonly number[] = []
    try {
      const outcome = await batcher.submit(request, attempt.command)
      if (outcome.kind === 'taken') taken = outcome.seatNos
      if (outcome.kind === 'held') {
        const held = request.seats.map((seat, i) => ({
          seatNo: seat.seatNo,
          generation: outcome.generations[i]!,
          status: 'held' as const,
          heldUntil: outcome.expiresAt,
        }))
        availability.applyOwn(request.eventNo, request.userId, [...held, ...givenBack(attempt.seats, mine, request)])
      }
      return await answerTo(outcome, { attempt, request }, deps)
    } catch (error) {
      // Whether the hold was made is not known here; what the tables say is read again, since the feed skips our own writes.
      if (!(error instanceof RetryableFault) || error.cause !== undefined) void availability.reload(request.eventNo)
      throw error
    } finally {
      board.release(claim, taken)
      bestSeats.changed(claim.eventNo, claim.seatNos)
    }
  }

  function chooseBest(
    { definition, seats, tries, lost }: Attempt,
    wish: NonNullable<HoldBody['best_available']>,
    isFree: (seatNo: number) => boolean,
    mine: ReadonlySet<number> | null,
  ): Selection {
    const { eventNo } = definition
    // The seats to be given back are free, and those just found taken are not, for this question alone.
    const special = [...(mine ?? []), ...lost]
    bestSeats.changed(eventNo, special)
    const unclaimed = (seatNo: number) => isFree(seatNo) && !lost.has(seatNo) && !board.isClaimed(eventNo, seatNo)
    const selection = bestSeats.choose({ definition, seats, wish, attempt: tries, isFree: unclaimed })
    bestSeats.changed(eventNo, special)
    return selection
  }

  function requestBase({ command, key, definition, arrival }: Attempt, replaces: ReservationId | null): HoldRequest {
    const { hold_seconds, max_extensions } = definition.holdPolicy
    return {
      ...key,
      eventNo: definition.eventNo,
      userId: command.userId,
      reservationId: newId('rsv', deps, definition.eventNo),
      eventVersion: definition.version,
      seats: [],
      areas: [],
      quantity: 0,
      amount: 0,
      currency: definition.currency,
      ticketLimit: definition.ticketLimit,
      holdSeconds: hold_seconds,
      extensions: max_extensions,
      replaces,
      probe: true,
      arrival,
    }
  }

  /** The seats of the hold that is to be replaced count as free for its owner; null if it is not theirs. */
  async function ownSeats(eventNo: number, reservationId: ReservationId, userId: UserId): Promise<Set<number> | null> {
    const found = await store.find(eventNo, reservationId)
    if (found === null || found.reservation.userId !== userId) return null
    return new Set(found.reservation.seats.map(seat => seat.seatNo))
  }
}

/** Refusals that go before `reservation-exists`. */
const beforeExistence = new Set<HoldRefusal['code']>(['unknown-seats', 'unknown-areas', 'ticket-limit-exceeded'])

/**
 * The seats of a replaced hold that the new one does not keep, as this process knows them: one change on. Should it have known
 * less, the feed, which is right, is newer.
 */
function givenBack(seats: EventSeats, mine: ReadonlySet<number> | null, request: HoldRequest): SeatFact[] {
  if (mine === null) return []
  const kept = new Set(request.seats.map(seat => seat.seatNo))
  return [...mine]
    .filter(seatNo => !kept.has(seatNo))
    .map(seatNo => ({ seatNo, generation: seats.generation(seatNo) + 1, status: 'available', heldUntil: 0 }))
}

function slotOf(definition: EventDefinition, userId: UserId): string {
  return `${definition.eventNo} ${userId}`
}
