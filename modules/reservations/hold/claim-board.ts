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
  readonly #events = new Map<number, Map<number, Claim>>()

  /** Claims all of the seats or none; returns the claim, or somebody else's that is in the way. */
  claim(eventNo: number, seatNos: readonly number[]): { own: Claim } | { other: Claim } {
    const claims = this.#claimsOf(eventNo)
    for (const seatNo of seatNos) {
      const other = claims.get(seatNo)
      if (other !== undefined) return { other }
    }
    const { promise, resolve } = Promise.withResolvers<readonly number[]>()
    const own: Claim = { eventNo, seatNos, settled: promise, settle: resolve }
    for (const seatNo of seatNos) claims.set(seatNo, own)
    return { own }
  }

  release(claim: Claim, taken: readonly number[] = []): void {
    const claims = this.#claimsOf(claim.eventNo)
    for (const seatNo of claim.seatNos) claims.delete(seatNo)
    if (claims.size === 0) this.#events.delete(claim.eventNo)
    claim.settle(taken)
  }

  isClaimed(eventNo: number, seatNo: number): boolean {
    return this.#events.get(eventNo)?.has(seatNo) ?? false
  }

  /** Seats claimed at this moment. */
  get size(): number {
    let size = 0
    for (const claims of this.#events.values()) size += claims.size
    return size
  }

  #claimsOf(eventNo: number): Map<number, Claim> {
    const known = this.#events.get(eventNo)
    if (known !== undefined) return known
    const claims = new Map<number, Claim>()
    this.#events.set(eventNo, claims)
    return claims
  }
}
