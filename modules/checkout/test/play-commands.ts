import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { messages } from '#contracts/messages.ts'
import { isPassing } from '#kernel/faults.ts'
import { fromUuid } from '#kernel/ids.ts'
import { ProviderRefusal } from '#payments'
import type { Job } from '#platform/jobs/periodic.ts'
import { type ConsumerDeps, consumerJob } from '#platform/messages/consumer.ts'
import type { Message } from '#platform/messages/message.ts'
import { messageMetrics } from '#platform/messages/metrics.ts'
import { postgresLog } from '#platform/messages/postgres-log.ts'
import { createLogger } from '#platform/telemetry/logger.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { reservationMessages } from '#reservations'
import { checkoutMessages } from '../messages.ts'
import { HoldRefused, type openTill, turn } from './till.ts'

type Till = Awaited<ReturnType<typeof openTill>>
export type Command = (typeof kinds)[number] & { order: number; seats: number[]; places: number; ms: number }

export const kinds = [
  { kind: 'hold' },
  { kind: 'hold again' },
  { kind: 'check out' },
  { kind: 'authorize' },
  { kind: 'charge' },
  { kind: 'decline' },
  { kind: 'process' },
  { kind: 'deliver' },
  { kind: 'cancel cart' },
  { kind: 'cancel payment' },
  { kind: 'extend' },
  { kind: 'refund' },
  { kind: 'refund fails' },
  { kind: 'set aside' },
  { kind: 'look' },
  { kind: 'refunds' },
  { kind: 'reconcile' },
  { kind: 'sweep' },
  { kind: 'read' },
  { kind: 'advance' },
  { kind: 'away' },
  { kind: 'lost' },
  { kind: 'breaker' },
] as const

export const command: fc.Arbitrary<Command> = fc
  .tuple(
    fc.constantFrom(...kinds, ...kinds.slice(0, 4), ...kinds.slice(2, 4), kinds[7]),
    fc.nat(30),
    fc.uniqueArray(fc.nat(11), { minLength: 1, maxLength: 3 }),
    fc.nat(3),
    // Far from the ends of holds, so that the milliseconds in which PostgreSQL works decide nothing.
    fc.constantFrom(7000, 67_000, 307_000, 607_000),
  )
  .map(([kind, order, seats, places, ms]) => ({ ...kind, order, seats: seats.sort((a, b) => a - b), places, ms }))

/** A log over the till's outbox, whose event has plain seats. */
function readerDeps({ db }: Till): ConsumerDeps {
  const eventId = fromUuid('evt', randomUUID())
  const seatMap = { seatIdOf: (seatNo: number) => `A-1-${seatNo}`, areas: [{ areaId: 'FLOOR0' }] }
  const definitions = { byNo: async () => ({ eventId, seatMap }) } as never
  return {
    db,
    log: postgresLog({
      db,
      expansions: [reservationMessages({ definitions }), checkoutMessages({ eventIdOf: async () => eventId })],
    }),
    processId: randomUUID(),
    metrics: messageMetrics(createMetrics({ processMetrics: false })),
    logger: createLogger('silent'),
  }
}

/** Commands carried out at one till. Orders and intents are named by their number, because their ids differ. */
export class Play {
  readonly #till: Till
  readonly #orders: Awaited<ReturnType<Till['hold']>>[] = []
  readonly #reader: Job
  /** What the messages said. */
  readonly #read: object[] = []

  #trouble = () => {}

  constructor(till: Till) {
    this.#till = till
    this.#reader = consumerJob(
      {
        name: 'reader',
        types: Object.keys(messages),
        from: 'beginning',
        handle: async (_, told) => void this.#read.push(...told.map(message => this.#plain(message))),
      },
      readerDeps(till),
    )
  }

  /** Without ids, which differ; orders by their number. */
  #plain({ type, revision, data }: Message): object {
    const { reservation_id, quantity, amount, expires_at, hold_until, released, items, seats, ...rest } =
      data as Record<string, unknown>
    const order = this.#orders.findIndex(({ reservationId }) => reservationId === reservation_id)
    const { event_id, user_id, payment_id, ticket_id, refund_id, replaces, held_until, ...said } = rest
    return { revision, type, order, quantity, amount, released, items, seats, ...said }
  }

  /** What came of it, without what differs by nature. */
  async carryOut(next: Command): Promise<unknown> {
    const trouble = this.#trouble
    this.#trouble = () => {}
    trouble()
    try {
      return await this.#do(next)
    } catch (error) {
      if (error instanceof HoldRefused) return error.kind
      // The played provider is away, or says no: the same on both sides.
      if (isPassing(error) || error instanceof ProviderRefusal) return (error as Error).name
      throw error
    } finally {
      this.#till.provider.clearTroubles()
    }
  }

  /** In the order of their orders: of two that a job makes in one turn, which is first is chance. */
  #intentsByOrder() {
    const at = (id: unknown) => this.#orders.findIndex(({ reservationId }) => reservationId === id)
    return [...this.#till.provider.intents.values()].sort((a, b) => at(a.reservationId) - at(b.reservationId))
  }

  #next(trouble: () => void): void {
    this.#trouble = trouble
  }

  /** Lets everything that is under way come to its end. */
  async rest(): Promise<void> {
    const { jobs, provider } = this.#till
    provider.clearTroubles()
    provider.breakerState = 'closed'
    for (let round = 0; round < 3; round++) {
      await this.#till.advance(67_000)
      for (const job of [jobs.events, jobs.looks, jobs.refunds]) await turn(job)
    }
    await turn(this.#reader)
  }

  /** `counts`: how often the provider was asked and a payment was touched, which differs where some are at it at once. */
  async picture({ counts = true } = {}): Promise<unknown> {
    const { provider } = this.#till
    const orders = await Promise.all(this.#orders.map(order => this.#till.state(order)))
    const intents = this.#intentsByOrder().map(({ status, amountCaptured, refunds }) => {
      return { status, amountCaptured, refunds: refunds.map(({ amount, status }) => ({ amount, status })) }
    })
    // Of different subjects, whichever id is lower is told first.
    const read = this.#read.map(told => JSON.stringify({ ...told, ...(!counts && { revision: null }) })).toSorted()
    return {
      orders,
      intents,
      read,
      charged: provider.charged,
      refunded: provider.refunded,
      ...(counts && { calls: provider.calls.length }),
    }
  }

  async #do({ kind, order: n, seats, places, ms }: Command): Promise<unknown> {
    const till = this.#till
    const { provider, jobs, store } = till
    const order = this.#orders[n % Math.max(1, this.#orders.length)]
    const intents = this.#intentsByOrder()
    // Of that order if it has one, so that commands that name one order meet.
    const own = intents.findLast(({ reservationId }) => reservationId === order?.reservationId)
    const intent = own ?? intents[n % Math.max(1, intents.length)]
    switch (kind) {
      case 'hold':
      case 'hold again': {
        const wish = places > 1 ? { places, seats: 0 } : { seatNos: seats }
        const user = kind === 'hold again' && order !== undefined ? { userId: order.userId } : {}
        this.#orders.push(await till.hold({ ...wish, ...user }))
        return 'held'
      }
      case 'check out': {
        if (order === undefined) return null
        const answer = await till.checkOut(order)
        return answer.kind === 'refused' ? answer.code : answer.kind
      }
      case 'authorize':
      case 'charge':
      case 'decline':
      case 'process':
        if (intent === undefined || intent.status === 'captured' || intent.status === 'cancelled') return null
        return provider.confirm(intent.ref, kind).type
      case 'deliver': {
        const event =
          provider.told.findLast(told => told.intent?.ref === own?.ref) ??
          provider.told[n % Math.max(1, provider.told.length)]
        if (event !== undefined) await till.deliver(event, event)
        return event?.type
      }
      case 'cancel cart': {
        if (order === undefined) return null
        const answer = await store.cancel(order)
        return answer.ok ? answer.moved.length : answer.code
      }
      case 'cancel payment':
        return order === undefined ? null : till.cancel(order)
      case 'extend': {
        if (order === undefined) return null
        const answer = await store.extend({ ...order, extensionSeconds: 100 })
        return answer.ok ? answer.moved.length : answer.code
      }
      case 'refund': {
        if (order === undefined) return null
        const answer = await till.refund(order)
        return answer.ok ? (answer.refund?.amount ?? 0) : answer.code
      }
      case 'refund fails': {
        const given = intents.find(({ refunds }) => refunds.at(-1)?.status === 'succeeded')
        if (given === undefined) return null
        await till.deliver(provider.failRefund(given.ref))
        return 'failed'
      }
      case 'set aside': {
        const change = places > 1 ? { available: true as const } : { blocked: 'cameras' }
        const { changed, refused } = await store.setAside({ eventNo: till.eventNo, seatNos: seats, change })
        return { changed: changed.length, refused }
      }
      case 'look':
        return turn(jobs.looks)
      case 'refunds':
        return turn(jobs.refunds)
      case 'reconcile':
        return turn(jobs.reconcile)
      case 'read':
        return turn(this.#reader)
      case 'sweep':
        return store.expireDue(50)
      case 'advance':
        return till.advance(ms)
      // For all calls of the next command: which of several payments that are looked at together meets a trouble is chance.
      case 'away':
        return this.#next(() => provider.trouble('retrieve', 'away', 50))
      case 'lost':
        return this.#next(() =>
          provider.trouble((['create', 'capture', 'cancel', 'refund'] as const)[n % 4]!, 'lost', 50),
        )
      case 'breaker':
        provider.breakerState = n % 3 === 0 ? 'open' : 'closed'
    }
  }
}
