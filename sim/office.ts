import { type Availability, createAvailability } from '#availability'
import type { EventDefinition } from '#catalog'
import { type Checkout, checkoutMessages, createCheckout } from '#checkout'
import { checkoutStatements } from '#checkout/memory'
import { assert } from '#kernel/assert.ts'
import type { Clock } from '#kernel/clock.ts'
import { OutcomeUnknown, passingOnly, RetryableFault } from '#kernel/faults.ts'
import { createNotifications, type OrderFacts } from '#notifications'
import { mailStatements } from '#notifications/memory'
import { isChargeable, type PaymentProvider, type ProviderEvent, paced, storeEvents } from '#payments'
import { directProvider, type ProviderEndpoint, paymentStatements } from '#payments/memory'
import type { Job } from '#platform/jobs/periodic.ts'
import type { MemoryConnection } from '#platform/memory/database.ts'
import { allStatements, statementDatabase } from '#platform/memory/statements.ts'
import { consumerJob } from '#platform/messages/consumer.ts'
import { messageStatements } from '#platform/messages/memory/index.ts'
import type { MessageLog } from '#platform/messages/message-log.ts'
import { messageMetrics } from '#platform/messages/metrics.ts'
import { postgresLog } from '#platform/messages/postgres-log.ts'
import type { Database } from '#platform/postgres/database.ts'
import { createReservations, type ReservationStore, type Reservations, reservationMessages } from '#reservations'
import {
  availabilityStatements,
  createMemoryStore,
  eventKey,
  events,
  logStatements,
  plainPlaces,
  saleStatements,
} from '#reservations/memory'
import { ticketDesk } from '#tickets'
import { ticketStatements } from '#tickets/memory'
import { type Bank, bankKeys } from './bank.ts'
import type { Chance } from './chance.ts'
import { eventNo } from './hall.ts'
import { crierStatements, post, townCrier, unreliableLog } from './readers.ts'
import { countedMetrics, watchfulLogger } from './telemetry.ts'
import type { Timeline } from './timeline.ts'
import type { Weather } from './weather.ts'

const statements = allStatements(
  saleStatements,
  availabilityStatements,
  logStatements,
  paymentStatements,
  checkoutStatements,
  ticketStatements,
  messageStatements,
  mailStatements,
  crierStatements,
  { price_level_names_1: async () => [{ event_no: eventNo, level_no: 0, price_level: 'Standard' }] },
)

/** How often a job of a process turns, milliseconds: rarer than in the product, so that a run is not all looking. */
const jobMs: Record<string, number> = {
  'settle-events': 2000,
  'look-at-payments': 3000,
  'carry-out-refunds': 4000,
  'reconcile-payments': 60_000,
  // Late, so that others claim seats of holds that have run out and are not swept.
  'expire-reservations': 20_000,
  'lapse-holds': 10_000,
  'drop-unused-events': 600_000,
  'consume-notifications': 8000,
  'consume-town-crier': 8000,
  'send-mails-1': 8000,
}

/** After which the database undoes what somebody has begun and does not go on with: `platform/postgres/embedded/settings.ts`. */
const idleInTransactionMs = 10_000

/** One lane of mails does what four do, and nobody looks at gauges. */
const unplayed: ReadonlySet<string> = new Set(['send-mails-2', 'send-mails-3', 'send-mails-4', 'measure-mails'])

export type OfficeDeps = {
  timeline: Timeline
  chance: Chance
  bank: Bank
  connection: MemoryConnection
  signingKey: Parameters<typeof ticketDesk>[0]['currentKey']
  weather: () => Weather
  isOut: () => boolean
  /** The bank is away for so long. */
  goOut: (ms: number) => void
  /** Counts how often something was reached, by name. */
  reached: (what: string) => void
  /** Something that no fault explains. */
  violated: (what: string) => void
  /** The event as it was put on sale; its version and status are in the tables. */
  definition: EventDefinition
  delivered: (mailId: string) => void
  /** Jobs turn so many times more rarely: while nothing happens for days, nobody needs to look each second. */
  leisure: () => number
  /** The same of looking what others have committed. */
  feedLeisure: () => number
}

/**
 * One process of the box office: its own memory, its own connection, clock and jobs, and the product's own use cases. It may stop at any
 * await, for a while or for ever.
 */
export class Office {
  readonly name: string
  readonly db: Database
  readonly store: ReservationStore
  readonly availability: Availability
  readonly reservations: Reservations
  readonly checkout: Checkout
  /** Sent to the database. */
  batches = 0
  /** Without faults of its own. */
  readonly log: MessageLog
  #isAlive = true
  #pausedUntil = 0
  readonly #deps: OfficeDeps
  readonly #jobs: readonly Job[]
  #definition: EventDefinition

  constructor(name: string, deps: OfficeDeps) {
    this.name = name
    this.#deps = deps
    this.#definition = deps.definition
    const { timeline, chance, bank, connection } = deps
    const skewMs = deps.weather().clocksDiffer ? chance.between(-90_000, 90_000) : 0
    const clock: Clock = {
      now: () => Math.round(timeline.now() + skewMs),
      monotonic: () => timeline.monotonic(),
      sleep: (ms, signal) => this.#heard(timeline.sleep(ms, signal)),
    }
    const random = chance
    const origin = `${name} ${chance.int(1e9)}`
    const store = createMemoryStore({ db: connection, origin })
    this.store = {
      ...store,
      holdBatch: requests => {
        this.batches++
        return this.#through(() => store.holdBatch(requests))
      },
      find: (eventNo, id) => this.#through(() => store.find(eventNo, id)),
      extend: command => this.#through(() => store.extend(command)),
      cancel: command => this.#through(() => store.cancel(command)),
      setAside: command => this.#through(() => store.setAside(command)),
      expireDue: limit => this.#through(() => store.expireDue(limit)),
    }
    this.db = this.#gated(statementDatabase(connection, statements))
    const metrics = countedMetrics(deps.reached)
    const logger = watchfulLogger(deps.violated)
    const definitions = {
      byId: async () => this.#definition,
      byNo: async () => this.#definition,
      cached: () => this.#definition,
      refresh: () => this.#refreshDefinition(),
    }
    const catalog = { definitions } as never
    const { feedMs } = deps.weather()
    this.availability = createAvailability({
      db: this.db,
      catalog,
      origin,
      clock: { ...clock, sleep: (ms, signal) => clock.sleep(ms * deps.feedLeisure(), signal) },
      random,
      metrics,
      logger,
      pace: { pollMs: feedMs, busyPollMs: feedMs, surroundingsMs: feedMs },
    })
    this.reservations = createReservations({
      store: this.store,
      catalog,
      availability: this.availability,
      lanes: 2,
      atEndOfTurn: work => void this.#heard(timeline.turn(`${name}: sends a batch`)).then(work),
      sale: null as never,
      clock,
      random,
      metrics,
      logger,
    })
    this.log = postgresLog({
      db: this.db,
      expansions: [
        reservationMessages({ definitions: definitions as never }),
        checkoutMessages({ eventIdOf: async () => this.#definition.eventId }),
      ],
    })
    const direct: PaymentProvider = directProvider({
      installation: 'the town',
      sandbox: bank.sandbox,
      keys: bankKeys,
      send: (endpoint, handle) => this.#call(endpoint, handle),
    })
    this.checkout = createCheckout({
      db: this.db,
      provider: paced(direct, { clock, metrics }),
      tickets: ticketDesk({ clock, random: chance, currentKey: deps.signingKey }),
      ticketsOf: async () => [],
      placesOf: async record => plainPlaces(record),
      holdPolicyOf: async () => ({ extensionSeconds: deps.definition.holdPolicy.extension_seconds }),
      isChargeable,
      accessUrlOf: () => '',
      opensReservation: () => false,
      viewReservation: async () => null,
      readable: async () => null,
      idempotently: async () => {
        throw new Error('nobody comes by HTTP')
      },
      origin,
      clock,
      random: chance,
      metrics,
      logger,
    })
    const read = { chance, weather: deps.weather, reached: deps.reached }
    const notifications = createNotifications({
      db: this.db,
      clock,
      random,
      logger,
      metrics,
      transport: post({ ...read, delivered: deps.delivered, turn: label => this.#heard(timeline.turn(label)) }),
      facts: async () => this.#facts(),
      attachments: async () => [],
      from: 'Holdfast <tickets@holdfast.example>',
      publicUrl: () => 'https://holdfast.example',
    })
    const consumerDeps = () => ({
      db: this.db,
      // Each follows the log for itself: what is told again is what this one was told.
      log: unreliableLog(this.log, read),
      processId: origin,
      metrics: messageMetrics(metrics),
      logger,
    })
    this.#jobs = [
      ...this.checkout.jobs,
      ...this.reservations.jobs,
      ...this.availability.jobs,
      ...[...notifications.consumers, townCrier(read)].map(consumer => consumerJob(consumer, consumerDeps())),
      ...notifications.jobs.filter(job => !unplayed.has(job.name)),
    ]
    for (const { name } of this.#jobs) assert(name in jobMs, `the town knows how often ${name} turns`)
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  start(): void {
    const { timeline, chance } = this.#deps
    this.availability.start()
    for (const job of this.#jobs)
      timeline.start(async () => {
        while (this.#isAlive) {
          await timeline.sleep(jobMs[job.name]! * this.#deps.leisure() * chance.between(0.5, 1.5))
          if (!this.#isAlive) return
          await this.#heard(job.run(new AbortController().signal)).catch(passingOnly)
        }
      })
  }

  /** Stops at whatever it awaits, for ever. */
  crash(): void {
    this.#isAlive = false
    this.#deps.connection.cut()
  }

  /** Stops for a while, as a machine does that has no processor or no memory to give. Its transactions wait only so long. */
  pause(ms: number): void {
    const { timeline, connection } = this.#deps
    this.#pausedUntil = timeline.monotonic() + ms
    if (ms > idleInTransactionMs) timeline.start(() => timeline.sleep(idleInTransactionMs).then(() => connection.cut()))
  }

  /** How long it goes on standing still. */
  get stillMs(): number {
    return Math.max(0, this.#pausedUntil - this.#deps.timeline.monotonic())
  }

  /** The route of webhooks, after the signature. */
  async webhook(event: ProviderEvent): Promise<void> {
    await storeEvents(this.db, 'sandbox', 'webhook', [event])
    this.checkout.onStored()
  }

  /** As catalogue does: what the tables say of the event, now. */
  async #refreshDefinition(): Promise<EventDefinition> {
    const row = await this.#through(() =>
      this.#deps.connection.transaction('refresh definition', tx =>
        tx.read('event', view => view.get(events, eventKey(eventNo))!),
      ),
    )
    const status = row.status as EventDefinition['status']
    this.#definition = { ...this.#deps.definition, version: row.version, status }
    return this.#definition
  }

  #facts(): OrderFacts {
    const { name, startsAt, venue, currency } = this.#definition
    return {
      to: { email: 'ada@example.org', name: 'Ada' },
      event: { name, startsAt, timezone: venue.timezone, venue },
      items: [{ label: 'A, row 1, seat 1', amount: 2500 }],
      amount: 2500,
      currency,
      accessUrl: 'https://holdfast.example/order',
    }
  }

  #through<T>(work: () => Promise<T>): Promise<T> {
    return this.#gate().then(() => this.#heard(work()))
  }

  #gated(db: Database): Database {
    return {
      ...db,
      query: (statement, values) => this.#through(() => db.query(statement, values)) as never,
      transaction: work => this.#through(() => db.transaction(work)),
    }
  }

  async #gate(): Promise<void> {
    const { timeline } = this.#deps
    if (!this.#isAlive) await never()
    if (this.stillMs > 0) await this.#heard(timeline.sleep(this.stillMs))
  }

  /** What a dead process hears of the world: nothing. One that stands still hears it when it goes on. */
  #heard<T>(work: Promise<T>): Promise<T> {
    const isHere = () => this.#isAlive && this.stillMs === 0
    return work.then(
      result => (isHere() ? result : this.#gate().then(() => result)),
      async error => {
        if (!isHere()) await this.#gate()
        throw error
      },
    )
  }

  async #call<T extends { records: unknown }>(endpoint: ProviderEndpoint, handle: () => T): Promise<T> {
    const { timeline, chance, bank, reached, isOut } = this.#deps
    const weather = this.#deps.weather()
    await this.#gate()
    await timeline.turn(`${this.name}: asks the bank: ${endpoint}`)
    await this.#gate()
    if (isOut() || chance.happens(weather.callRefused)) {
      reached(`call refused: ${endpoint}`)
      throw new RetryableFault('the payment provider is away')
    }
    const lost = async (what: string): Promise<never> => {
      reached(`${what} lost: ${endpoint}`)
      await this.#heard(timeline.sleep(6000))
      throw new OutcomeUnknown('the payment provider did not answer')
    }
    if (chance.happens(weather.callRequestLost)) return lost('request')
    if (chance.happens(weather.callSlow)) {
      reached(`slow call: ${endpoint}`)
      await timeline.sleep(chance.between(500, 30_000))
    }
    bank.sandbox.steering.faults = chance.happens(weather.providerFails)
      ? [{ endpoint: 'any', kind: chance.happens(0.5) ? 'error' : 'error_after_effect', times: 1 }]
      : []
    if (bank.sandbox.steering.faults.length > 0) reached(`the bank's own failure: ${endpoint}`)
    const answer = bank.handle(handle as never) as unknown as T
    bank.sandbox.steering.faults = []
    if (hasEffect.has(endpoint) && chance.happens(weather.awayAfterEffect)) {
      this.#deps.goOut(chance.any([30_000, 300_000]))
      return lost('answer')
    }
    if (chance.happens(weather.callAnswerLost)) return lost('answer')
    await timeline.turn(`${this.name}: hears of the bank: ${endpoint}`)
    await this.#gate()
    return answer
  }
}

const hasEffect: ReadonlySet<ProviderEndpoint> = new Set(['create', 'capture', 'cancel', 'refund'])

/** A new one each time: one for all would keep all that ever waited for it. */
const never = () => new Promise<never>(() => {})
