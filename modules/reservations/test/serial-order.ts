import { isDeepStrictEqual } from 'node:util'
import { endReservations } from '../memory/end-reservations.ts'
import { type ReservationRow, reservationKey, reservations } from '../memory/tables.ts'
import type { HoldBatchAnswer, ReservationStore } from '../ports.ts'
import { type Command, perform } from './commands.ts'
import { type Answered, Competition, type Step, seatRow } from './competition.ts'
import { type MemoryStand, origin, type Tables } from './stand.ts'

/**
 * Looks for an order in which the model, given one command after the other, answers each as the store did and ends with the
 * same tables. Commands keep the order in which one had been answered before the other was called. Three liberties, all
 * written into the store's promise:
 *
 * - the holds of a batch are commands of their own
 * - `busy` and `again` say nothing about the state; a place may be refused while a competing command is working on it
 * - what has run out may be ended by anybody at any time
 *
 * @returns null and leaves the model in the state found, or tells what could not be explained
 */
export async function explainRound(
  model: MemoryStand,
  round: readonly Answered[],
  after: Tables,
  lockedEvents: readonly number[] = [],
): Promise<string | null> {
  const steps = round.flatMap(splitBatch)
  const before = await model.tables()
  const competition = new Competition(steps, before, after, lockedEvents)
  for (const step of steps)
    if (shallAskAgain(step) && !competition.explains(step)) return `${describe(step)}, although nobody else was at it`
  const wereExpired = new Set(before.reservations.flatMap(row => (row.state === 'expired' ? [row.reservationId] : [])))
  const sweeps = after.reservations.filter(row => row.state === 'expired' && !wereExpired.has(row.reservationId))
  // Sweeps have no place of their own in the order, what they ended is in the tables; nor has who shall ask again.
  const placed = steps.filter(step => step.command.kind !== 'expire' && !shallAskAgain(step))
  const search = new Search(model, { steps: placed, sweeps, after, competition })
  return (await search.run()) ? null : `no serial order explains\n  ${steps.map(describe).join('\n  ')}`
}

function splitBatch(answered: Answered): Step[] {
  const { command, answer } = answered
  if (command.kind !== 'hold' || 'fault' in (answer as object)) return [answered]
  const { outcomes, judgedAt } = answer as HoldBatchAnswer
  return command.requests.map((asked, i) => ({
    ...answered,
    command: { ...command, requests: [asked] },
    answer: { judgedAt, outcomes: [outcomes[i]!] },
    asked,
    outcome: outcomes[i]!,
  }))
}

function shallAskAgain({ outcome }: Step): boolean {
  return outcome?.kind === 'busy' || outcome?.kind === 'again'
}

type Round = {
  steps: readonly Step[]
  /** What somebody ended for having run out. */
  sweeps: readonly ReservationRow[]
  after: Tables
  competition: Competition
}

class Search {
  readonly #model: MemoryStand
  readonly #round: Round
  readonly #seen = new Set<string>()

  constructor(model: MemoryStand, round: Round) {
    this.#model = model
    this.#round = round
  }

  run(): Promise<boolean> {
    return this.#search(this.#round.steps, this.#round.sweeps)
  }

  async #search(left: readonly Step[], sweeps: readonly ReservationRow[]): Promise<boolean> {
    const tables = await this.#model.tables()
    if (left.length === 0 && sweeps.length === 0 && sameTables(tables, this.#round.after)) return true
    if (!this.#isNew(left, sweeps, tables)) return false
    const state = this.#model.db.save()
    for (const step of left) {
      if (left.some(other => other.answeredAt < step.calledAt)) continue
      for (const { command, answer } of [step, ...this.#withoutExtraRefusals(step)]) {
        const agrees = command === null || isDeepStrictEqual(await perform(this.#model, command), answer)
        if (agrees && (await this.#search(without(left, step), sweeps))) return true
        this.#model.db.restore(state)
      }
    }
    for (const sweep of sweeps) {
      if ((await this.#sweep(sweep)) && (await this.#search(left, without(sweeps, sweep)))) return true
      this.#model.db.restore(state)
    }
    return false
  }

  /** The same step without refusals that competitors may have caused; null if nothing is left of it. */
  #withoutExtraRefusals(step: Step): { command: Command | null; answer: unknown }[] {
    const { command, outcome, answer } = step
    const { competition } = this.#round
    if (outcome?.kind === 'taken' || outcome?.kind === 'capacity')
      return competition.explains(step) ? [{ command: null, answer: null }] : []
    if (command.kind !== 'set-aside') return []
    const { changed, refused } = answer as Awaited<ReturnType<ReservationStore['setAside']>>
    const isExtra = (seatNo: number) => competition.overlaps(step, [seatRow(command.eventNo, seatNo)])
    const extra = refused.map(seat => seat.seatNo).filter(isExtra)
    if (extra.length === 0) return []
    return [
      {
        command: { ...command, seatNos: command.seatNos.filter(seatNo => !extra.includes(seatNo)) },
        answer: { changed, refused: refused.filter(seat => !extra.includes(seat.seatNo)) },
      },
    ]
  }

  async #sweep({ eventNo, reservationId }: ReservationRow): Promise<boolean> {
    const now = this.#model.now()
    return this.#model.db.connect('sweep').transaction('sweep', async tx => {
      const due = await tx.lock(reservations, {
        keys: [reservationKey(eventNo, reservationId)],
        where: row => row.state === 'pending_payment' && row.expiresAt <= now,
      })
      await endReservations(tx, due, { state: 'expired', now, origin })
      return due.length > 0
    })
  }

  /** The same steps left in the same state lead nowhere new. */
  #isNew(left: readonly Step[], sweeps: readonly ReservationRow[], tables: Tables): boolean {
    const size = this.#seen.size
    const open = left.map(step => this.#round.steps.indexOf(step))
    const swept = sweeps.map(row => row.reservationId)
    this.#seen.add(JSON.stringify([open, swept, tables.seats, tables.areas, tables.reservations]))
    return this.#seen.size > size
  }
}

function without<T>(list: readonly T[], one: T): T[] {
  return list.filter(other => other !== one)
}

/** But for what a batch does once for all of its holds: the order of its messages, and the count of an area's changes. */
function sameTables(a: Tables, b: Tables): boolean {
  const comparable = (tables: Tables) => ({
    ...tables,
    areas: tables.areas.map(area => ({ ...area, generation: 0 })),
    outbox: tables.outbox.map(row => JSON.stringify(inOneOrder(row))).sort(),
  })
  return isDeepStrictEqual(comparable(a), comparable(b))
}

function inOneOrder(row: object): object {
  return Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function describe({ command, answer, calledAt, answeredAt }: Step): string {
  return `[${calledAt}..${answeredAt}] ${JSON.stringify(command)} -> ${JSON.stringify(answer)}`
}
