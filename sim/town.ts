import type { EventDefinition } from '#catalog'
import { isPassing, passingOnly, RetryableFault } from '#kernel/faults.ts'
import { fromUuid, type ReservationId, type TicketId, toUuid } from '#kernel/ids.ts'
import type { ProviderEvent } from '#payments'
import { createMemoryDatabase, type MemoryDatabase } from '#platform/memory/database.ts'
import type { CommitFate, FaultHooks } from '#platform/memory/faults.ts'
import { announceMemoryEventChanged, events, prepareMemoryInventory, salesFence } from '#reservations/memory'
import type { SigningKeys } from '#tickets'
import { tickets } from '#tickets/memory'
import { Bank } from './bank.ts'
import type { Chance } from './chance.ts'
import { checkCommit } from './check-steps.ts'
import { defineEvent, eventNo } from './hall.ts'
import { Office } from './office.ts'
import type { Order } from './people.ts'
import { Timeline } from './timeline.ts'
import { calm, type Weather } from './weather.ts'

export type Plan = {
  seats: number
  /** So many of the seats are what everybody wants. */
  popular: number
  places: number
  buyers: number
  holdSeconds: number
  extensionSeconds: number
  arrivalsMs: number
  isFree: boolean
  singleSeatRule: 'enforce' | 'allow'
  latePayment: 'reclaim' | 'refund'
  returns: 'available' | 'blocked'
}

export function drawPlan(chance: Chance): Plan {
  const seats = 3 + chance.int(8)
  return {
    seats,
    popular: chance.any([seats, 2]),
    places: 2 + chance.int(6),
    buyers: 2 + chance.int(6),
    holdSeconds: chance.any([30, 60, 120]),
    extensionSeconds: 30,
    arrivalsMs: chance.any([1000, 30_000, 120_000]),
    isFree: chance.happens(0.05),
    singleSeatRule: chance.any(['allow', 'allow', 'enforce']),
    latePayment: chance.any(['reclaim', 'refund']),
    returns: chance.any(['available', 'blocked']),
  }
}

const names = ['north', 'south'] as const

/** One event, its buyers, two processes of the box office on one database, a bank, and the weather. */
export class Town {
  readonly timeline: Timeline
  readonly plan: Plan
  readonly bank: Bank
  readonly database: MemoryDatabase
  readonly eventNo = eventNo
  readonly definition: EventDefinition
  /** Mails that were handed over. */
  readonly delivered = new Set<string>()
  readonly orders: Order[] = []
  readonly violations: string[] = []
  readonly states: Record<string, number> = {}
  /** See `OfficeDeps`. */
  leisure = 1
  /** Which reservation an idempotency key has been answered with. */
  readonly #byKey = new Map<string, string>()
  readonly #chance: Chance
  readonly #keys: SigningKeys
  #weather: Weather
  #offices: Office[]
  #outUntil = 0
  #restarts = 0
  #people = 0

  constructor(options: { chance: Chance; plan: Plan; weather: Weather; keys: SigningKeys; keepTrace: boolean }) {
    const { chance, plan, weather, keys, keepTrace } = options
    this.plan = plan
    this.definition = defineEvent(plan)
    this.#chance = chance.fork()
    this.#keys = keys
    this.#weather = weather
    this.timeline = new Timeline({ chance: chance.fork(), startMs: Date.UTC(2031, 5, 1, 9), keepTrace })
    this.database = createMemoryDatabase({
      clock: this.timeline,
      scheduler: this.timeline,
      faults: this.#databaseFaults(chance.fork()),
      onCommitted: commit => this.violations.push(...checkCommit(this, commit)),
    })
    this.bank = new Bank({
      timeline: this.timeline,
      chance: chance.fork(),
      weather,
      deliver: event => this.#deliver(event),
      reached: what => this.reached(what),
    })
    this.#offices = names.map(name => this.#open(name))
  }

  /** The event on sale, before anything happens. */
  async open(): Promise<void> {
    const { eventNo, plan } = this
    const weather = this.#weather
    this.#weather = calm
    const done = this.database.connect('set up').transaction('set up', async tx => {
      const { latePayment, returns } = plan
      await tx.insert(events, [{ eventNo, version: 1, status: 'onsale', onsaleAt: null, latePayment, returns }])
      await tx.insert(salesFence, [{ epoch: 1, closed: false }])
      const areas = [{ areaNo: 0, areaId: 'FLOOR', capacity: plan.places }]
      await prepareMemoryInventory(tx, { eventNo, seatCount: plan.seats, areas })
    })
    let isOpen = false
    this.timeline.start(() => done.then(() => (isOpen = true)))
    await this.timeline.run({ until: this.timeline.now(), isDone: () => isOpen })
    this.#weather = weather
    for (const office of this.#offices) office.start()
    this.timeline.start(() => this.#letBanksWork())
    for (let i = 0; i < weather.outages; i++) this.timeline.start(() => this.#haveOutage())
    for (let i = 0; i < weather.crashes; i++) this.timeline.start(() => this.#haveCrash())
    for (let i = 0; i < weather.pauses; i++) this.timeline.start(() => this.#havePause())
  }

  /** Nothing fails any more: from here on everything must come to rest. */
  clearUp(): void {
    this.#weather = calm
    this.bank.weather = calm
    this.#outUntil = 0
  }

  get offices(): readonly Office[] {
    return this.#offices
  }

  anyOffice(): Office {
    return this.#chance.any(this.#offices)
  }

  /** Whether all buyers have gone home and no webhook is on its way. */
  get isQuiet(): boolean {
    return this.hasGoneHome && this.bank.inTransit === 0
  }

  get hasGoneHome(): boolean {
    return this.#people === 0
  }

  /** Somebody who comes and goes. */
  welcome(visit: () => Promise<void>): void {
    this.#people++
    this.timeline.start(() => visit().finally(() => this.#people--))
  }

  /** Null where no answer came: the process died or paused, or the world was away. */
  async ask<T>(office: Office, work: () => Promise<T>): Promise<T | null> {
    await this.timeline.turn(`somebody asks ${office.name}`)
    const gaveUp = new AbortController()
    const answer = work().then(
      result => ({ result }),
      error => {
        // Whoever asked may have gone, and then nobody would hear of it.
        if (!isPassing(error)) this.violations.push((error as Error).stack ?? String(error))
        return null
      },
    )
    const patience = this.timeline.sleep(60_000, gaveUp.signal).then(
      () => null,
      () => null,
    )
    const got = await Promise.race([answer, patience])
    gaveUp.abort(answered)
    if (got === null) this.reached('no answer')
    return got === null ? null : got.result
  }

  /** `told` is what the buyer has been told of their hold: with the same key they are told the same. */
  acknowledged(order: Order, { idempotencyKey, told }: { idempotencyKey: string; told: object }): void {
    const text = JSON.stringify(told)
    const before = this.#byKey.get(idempotencyKey)
    if (before !== undefined && before !== text)
      this.violations.push(`one key was given two answers: ${before}, ${text}`)
    this.#byKey.set(idempotencyKey, text)
    this.orders.push(order)
  }

  liveTickets(reservationId: ReservationId): TicketId[] {
    const of = toUuid(reservationId)
    return this.database
      .rows(tickets)
      .filter(ticket => ticket.reservation_id === of && ticket.status !== 'void')
      .map(ticket => fromUuid('tkt', ticket.ticket_id) as TicketId)
  }

  /** What staff decide of the sale, in the tables. Whoever is at it tries until it is done. */
  async change(to: 'open' | 'paused' | 'fenced'): Promise<void> {
    const connection = this.database.connect('staff')
    const work = () =>
      connection.transaction('change the sale', async tx => {
        await tx.update(salesFence, { set: row => ({ ...row, closed: to === 'fenced' }) })
        const status = to === 'paused' ? 'paused' : 'onsale'
        await tx.update(events, { set: row => ({ ...row, status, version: row.version + 1 }) })
        await announceMemoryEventChanged(tx, this.eventNo)
      })
    for (;;) {
      try {
        return await work()
      } catch (error) {
        passingOnly(error)
        await this.timeline.sleep(1000)
      }
    }
  }

  reached(what: string): void {
    this.states[what] = (this.states[what] ?? 0) + 1
  }

  #open(name: string): Office {
    return new Office(name, {
      timeline: this.timeline,
      chance: this.#chance.fork(),
      bank: this.bank,
      connection: this.database.connect(name),
      signingKey: () => this.#keys.current,
      weather: () => this.#weather,
      isOut: () => this.#outUntil > this.timeline.monotonic(),
      goOut: ms => this.#goOut(ms),
      reached: what => this.reached(what),
      violated: what => this.violations.push(what),
      definition: this.definition,
      delivered: mailId => this.delivered.add(mailId),
      leisure: () => this.leisure,
      feedLeisure: () => Math.max(this.leisure, this.#weather === calm ? 20 : 1),
    })
  }

  async #deliver(event: ProviderEvent): Promise<boolean> {
    const office = this.anyOffice()
    return (await this.ask(office, () => office.webhook(event).then(() => true))) === true
  }

  async #letBanksWork(): Promise<void> {
    for (;;) {
      await this.timeline.sleep(5000 * this.leisure)
      this.bank.elapse()
    }
  }

  async #haveOutage(): Promise<void> {
    await this.timeline.sleep(this.#chance.between(0, 150_000))
    if (this.#weather === calm) return
    this.#goOut(this.#chance.any([20_000, 200_000, 400_000]))
  }

  #goOut(ms: number): void {
    this.reached('outage of the bank')
    this.#outUntil = Math.max(this.#outUntil, this.timeline.monotonic() + ms)
  }

  async #haveCrash(): Promise<void> {
    await this.timeline.sleep(this.#chance.between(0, 240_000))
    if (this.#weather === calm) return
    const at = this.#chance.int(this.#offices.length)
    const office = this.#offices[at]!
    if (!office.isAlive) return
    office.crash()
    this.reached('crash')
    this.timeline.note(`${office.name} crashes`)
    await this.timeline.sleep(this.#chance.between(500, 60_000))
    this.#offices[at] = this.#open(`${names[at]!} ${++this.#restarts + 1}`)
    this.#offices[at]!.start()
  }

  async #havePause(): Promise<void> {
    await this.timeline.sleep(this.#chance.between(0, 240_000))
    if (this.#weather === calm) return
    this.reached('pause')
    // Longer than a hold: whatever it had read is old when it goes on.
    this.anyOffice().pause(this.#chance.between(1000, 2000 * this.plan.holdSeconds))
  }

  #databaseFaults(chance: Chance): FaultHooks {
    return {
      onStatement: ({ connection, transaction }) => {
        const { statementFails, statementSlow } = this.#weather
        const stillMs = this.#offices.find(({ name }) => name === connection)?.stillMs ?? 0
        if (stillMs > 0) {
          this.reached(`stood still inside: ${transaction}`)
          return this.timeline.sleep(stillMs)
        }
        if (chance.happens(statementFails)) {
          this.reached(`statement failed: ${transaction}`)
          throw new StatementFailed('the database was away')
        }
        if (!chance.happens(statementSlow)) return
        this.reached(`slow statement: ${transaction}`)
        return this.timeline.sleep(chance.between(1, 3000))
      },
      onCommit: ({ transaction }): CommitFate => {
        const { commitAborts, commitRequestLost, commitAnswerLost } = this.#weather
        const drawn = chance.fraction()
        const fate: CommitFate =
          drawn < commitAborts
            ? 'abort'
            : drawn < commitAborts + commitRequestLost
              ? 'lose-request'
              : drawn < commitAborts + commitRequestLost + commitAnswerLost
                ? 'lose-answer'
                : 'commit'
        if (fate !== 'commit') this.reached(`commit ${fate}: ${transaction}`)
        return fate
      },
    }
  }
}

/** Made once: an abort without a reason makes one, and that takes longer than the rest of an answer. */
const answered = new Error('it was answered')

class StatementFailed extends RetryableFault {}
