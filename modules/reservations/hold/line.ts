import type { Clock } from '#kernel/clock.ts'

export type Line = {
  /**
   * Null: go on. Otherwise resolves when it is this one's turn; rejects when that would come too late, when nobody waits for it any more,
   * and at once when the line is full.
   */
  turn(isGone: () => boolean): Promise<void> | null
  /** To be called when there may be room again. */
  moveOn(): void
  readonly length: number
}

type Waiting = { since: number; isGone: () => boolean; resolve: () => void; reject: (error: Error) => void }

/**
 * Where those wait who would not fit into the next batch, in the order in which they came. A hold that has been begun is several times
 * what it was as a request, and whatever waits for longer than two collections of young objects is copied by both: with thousands
 * waiting that took a sixth of the processor. Nobody here has named a seat yet, so whose seat is gone by then hears of it from memory, and
 * so do those who would have been refused at once; who is refused takes no room. While no batch is taken nobody moves.
 */
export function createLine(options: {
  /** How many more may go on; the line learns what became of them at the end of a turn of the event loop. */
  room: () => number
  lengthMax: number
  waitMsMax: number
  clock: Clock
  atEndOfTurn: (work: () => void) => void
  giveUp: (reason: 'queue-full' | 'too-late' | 'client-gone') => Error
}): Line {
  const { room, lengthMax, waitMsMax, clock, atEndOfTurn, giveUp } = options
  const waiting: Waiting[] = []
  let isArmed = false

  function moveOn(): void {
    if (isArmed || waiting.length === 0) return
    isArmed = true
    atEndOfTurn(() => {
      isArmed = false
      // Somebody who goes on may be refused and leave their room to others: then nobody else would tell us.
      if (admit() > 0) moveOn()
    })
  }

  function admit(): number {
    const latest = clock.monotonic() - waitMsMax
    let admitted = 0
    for (let left = room(); left > 0 && waiting.length > 0; ) {
      const { since, isGone, resolve, reject } = waiting.shift()!
      if (since < latest) reject(giveUp('too-late'))
      else if (isGone()) reject(giveUp('client-gone'))
      else {
        resolve()
        admitted++
        left--
      }
    }
    return admitted
  }

  return {
    turn(isGone) {
      if (waiting.length === 0 && room() > 0) return null
      if (waiting.length >= lengthMax) return Promise.reject(giveUp('queue-full'))
      return new Promise((resolve, reject) => {
        waiting.push({ since: clock.monotonic(), isGone, resolve, reject })
      })
    },
    moveOn,
    get length() {
      return waiting.length
    },
  }
}
