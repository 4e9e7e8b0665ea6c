import type { ReservationRow } from '../memory/tables.ts'
import type { HoldOutcome, HoldRequest } from '../ports.ts'
import type { Command } from './commands.ts'
import type { Tables } from './stand.ts'

/** One command of a round, with its answer. Stamps rise with every call and every answer of the round. */
export type Answered = { command: Command; answer: unknown; calledAt: number; answeredAt: number }
/** A hold of a batch stands alone. */
export type Step = Answered & { asked?: HoldRequest; outcome?: HoldOutcome }

/** Who was at which rows at the same time: what a refusal may be blamed on. */
export class Competition {
  readonly #steps: readonly Step[]
  readonly #reservations: readonly ReservationRow[]
  readonly #lockedEvents: ReadonlySet<number>

  /**
   * `before` and `after` tell which places the reservations have that a command may end or change; in `lockedEvents` somebody
   * outside the round held locks, but changed nothing.
   */
  constructor(steps: readonly Step[], before: Tables, after: Tables, lockedEvents: readonly number[]) {
    this.#steps = steps
    this.#reservations = [...before.reservations, ...after.reservations]
    this.#lockedEvents = new Set(lockedEvents)
  }

  /** Whether somebody else was at what this refusal is about. */
  explains(step: Step): boolean {
    const mayBeALock = step.outcome?.kind === 'busy' || step.outcome?.kind === 'again'
    if (mayBeALock && this.#lockedEvents.has(step.asked!.eventNo)) return true
    return this.overlaps(step, this.#blamed(step))
  }

  overlaps(step: Step, rows: readonly string[]): boolean {
    return this.#steps.some(other => {
      if (other === step || other.answeredAt < step.calledAt || other.calledAt > step.answeredAt) return false
      const touched = this.#touchedBy(other)
      return rows.some(row => touched.has(row))
    })
  }

  #blamed({ asked, outcome, ...step }: Step): string[] {
    switch (outcome?.kind) {
      case 'busy':
        return asked!.seats.map(seat => seatRow(asked!.eventNo, seat.seatNo))
      case 'taken':
        return outcome.seatNos.map(seatNo => seatRow(asked!.eventNo, seatNo))
      case 'capacity':
        return [areaRow(asked!.eventNo, outcome.areaNo)]
      case 'again':
        return [...this.#touchedBy(step)]
      default:
        return []
    }
  }

  /** Rows that a command may lock: the places it names, and those of the reservations it may end or change. */
  #touchedBy({ command }: Pick<Step, 'command'>): Set<string> {
    const touched = new Set<string>()
    const addReservations = (isMeant: (row: ReservationRow) => boolean) => {
      for (const row of this.#reservations) if (isMeant(row)) for (const name of placesOf(row)) touched.add(name)
    }
    switch (command.kind) {
      case 'hold': {
        const [asked] = command.requests
        for (const name of placesOf(asked!)) touched.add(name)
        addReservations(row => row.eventNo === asked!.eventNo && row.userId === asked!.userId)
        // It may end what has run out in an area that runs short.
        if (asked!.areas.length > 0) addReservations(row => row.eventNo === asked!.eventNo && row.areas.length > 0)
        break
      }
      case 'extend':
      case 'cancel':
        addReservations(row => row.reservationId === command.reservationId)
        break
      case 'expire':
        addReservations(() => true)
        break
      case 'set-aside':
        for (const seatNo of command.seatNos) touched.add(seatRow(command.eventNo, seatNo))
    }
    return touched
  }
}

export function seatRow(eventNo: number, seatNo: number): string {
  return `${eventNo} seat ${seatNo}`
}

function areaRow(eventNo: number, areaNo: number): string {
  return `${eventNo} area ${areaNo}`
}

function placesOf({ eventNo, userId, seats, areas }: Pick<HoldRequest, 'eventNo' | 'userId' | 'seats' | 'areas'>) {
  return [
    `${eventNo} user ${userId}`,
    ...seats.map(seat => seatRow(eventNo, seat.seatNo)),
    ...areas.map(area => areaRow(eventNo, area.areaNo)),
  ]
}
