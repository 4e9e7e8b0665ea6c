import { assert } from '#kernel/assert.ts'
import { TransientMap } from '#kernel/transient-map.ts'

/**
 * Who in this process is about to ask the database for a seat. A claim is tentative: it keeps two requests of one process from
 * naming the same seat in one batch, and gives nobody a seat. Another request for a claimed seat waits for the outcome, some
 * milliseconds, and then sees the seat held, or free again because the first was refused. If it was refused because other
 * processes have the seat, those who waited learn that with it: their turns one after the other would each ask the database
 * the same, and in a storm the last ones would wait for seconds.
 */
export type Claim = {
  readonly eventNo: number
  readonly seatNos: readonly number[]
  /** Resolves when the claim is released, whatever became of it, with those of its seats that the database found taken. */
  readonly settled: Promise<readonly number[]>
  readonly settle: (taken: readonly number[]) => void
}

export class ClaimBoard {
  readonly #claims = new TransientMap<number, Claim>(place => place)

  /** Claims all of the seats or none; returns the claim, or somebody else's that is in the way. */
  claim(eventNo: number, seatNos: readonly number[]): { own: Claim } | { other: Claim } {
    for (const seatNo of seatNos) {
      const other = this.#claims.get(placeOf(eventNo, seatNo))
      if (other !== undefined) return { other }
    }
    const { promise, resolve } = Promise.withResolvers<readonly number[]>()
    const own: Claim = { eventNo, seatNos, settled: promise, settle: resolve }
    for (const seatNo of seatNos) this.#claims.set(placeOf(eventNo, seatNo), own)
    return { own }
  }

  release(claim: Claim, taken: readonly number[] = []): void {
    for (const seatNo of claim.seatNos) this.#claims.delete(placeOf(claim.eventNo, seatNo))
    claim.settle(taken)
  }

  isClaimed(eventNo: number, seatNo: number): boolean {
    return this.#claims.has(placeOf(eventNo, seatNo))
  }

  /** Seats claimed at this moment. */
  get size(): number {
    return this.#claims.size
  }
}

/** One number for a seat of an event: no house has more than 100,000 seats. */
function placeOf(eventNo: number, seatNo: number): number {
  assert(seatNo < 0x20000, 'a seat has a number of its own in the claims')
  return eventNo * 0x20000 + seatNo
}
