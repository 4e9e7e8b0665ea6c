import type { Clock } from '#kernel/clock.ts'
import type { ReservationId } from '#kernel/ids.ts'

/** Below this nobody notices: what the lane has to spare goes to whoever asks. */
const spareMs = 300
/** To type a card. A turn that leaves less is of no use. */
const typingMs = 20_000
/** Whoever is so late has lost their turn. */
const graceMs = 60_000
/** When there is no turn in time: some of those before may not come, so ask again, and not at once. */
const askAgainMs = 60_000

/**
 * Whose turn it is to pay, when more want to than the provider takes: the first come has the first turn. A turn is a time to come back
 * at, so nobody waits on a connection, and asking sooner does not change it. It is kept in the memory of a process: lost with it,
 * those who wait get new ones.
 */
export class PayTurns {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #gapMs: number
  readonly #waitMaxMs: number
  /** In the order of their times. */
  readonly #turns = new Map<ReservationId, number>()
  #last = 0
  /** From when on one more may go without being too many. */
  #paced = 0

  /**
   * @param perSecond so many payments may be begun
   * @param waitMaxMs a call may queue for so long while its buyer waits for the answer
   */
  constructor({
    clock,
    perSecond,
    waitMaxMs,
  }: { clock: Pick<Clock, 'monotonic'>; perSecond: number; waitMaxMs: number }) {
    this.#clock = clock
    this.#gapMs = 1000 / perSecond
    this.#waitMaxMs = waitMaxMs
  }

  get waiting(): number {
    return this.#turns.size
  }

  /**
   * When this reservation may pay.
   *
   * @param laneMs how long a call made now would queue
   * @param endsInMs until the end of the hold
   * @returns `waitMs` 0: now. `inTime` false: not before its end, unless others give up; there is no turn then
   */
  ask(reservationId: ReservationId, { laneMs, endsInMs }: { laneMs: number; endsInMs: number }): Turn {
    const now = this.#clock.monotonic()
    this.#forget(now)
    const turn = this.#turns.get(reservationId)
    const isEarly = turn !== undefined && turn > now + spareMs
    const isNext = !isEarly && (turn !== undefined || this.#turns.size === 0)
    const isSpare = laneMs <= spareMs && this.#paced <= now
    if (laneMs <= endsInMs && (isSpare || (isNext && laneMs <= this.#waitMaxMs))) {
      this.#turns.delete(reservationId)
      this.#paced = Math.max(this.#paced, now - spareMs) + this.#gapMs
      return { waitMs: 0, inTime: true }
    }
    if (isEarly) return { waitMs: turn - now, inTime: true }
    // It is their turn, and the lane is behind: they stay before those who come after.
    if (turn !== undefined && laneMs <= endsInMs) {
      this.#turns.set(reservationId, now + laneMs)
      return { waitMs: laneMs, inTime: true }
    }
    const at = Math.max(this.#last, now + laneMs) + this.#gapMs
    if (at - now > endsInMs - typingMs)
      return { waitMs: Math.min(askAgainMs, Math.max(1000, endsInMs / 2)), inTime: false }
    this.#turns.delete(reservationId)
    this.#turns.set(reservationId, at)
    this.#last = at
    return { waitMs: at - now, inTime: true }
  }

  #forget(now: number): void {
    for (const [reservationId, at] of this.#turns) {
      if (at > now - graceMs) return
      this.#turns.delete(reservationId)
    }
  }
}

export type Turn = { waitMs: number; inTime: boolean }
