import { randomUUID } from 'node:crypto'
import { join, resolve } from 'node:path'
import type { FastifyRequest } from 'fastify'
import type { Catalog } from '#catalog'
import { type Checkout, createCheckout, type PacedProvider } from '#checkout'
import type { Reservation } from '#contracts/reservations.ts'
import type { ReservationAccess } from '#identity'
import { assert } from '#kernel/assert.ts'
import type { Clock } from '#kernel/clock.ts'
import { eventNoOf, type ReservationId } from '#kernel/ids.ts'
import type { Random } from '#kernel/random.ts'
import { createNotifications, mailboxTransport, type Notifications, smtpTransport } from '#notifications'
import { isChargeable } from '#payments'
import type { Config } from '#platform/config/config.ts'
import type { Idempotently } from '#platform/idempotency/index.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import { placesOf, type ReservationStore, type Reservations, type SalePort, viewReservation } from '#reservations'
import { createTickets, type Tickets, ticketsOfReservation } from '#tickets'
import type { Pools } from './database.ts'
import { readOrderFacts } from './order-facts.ts'

/** Reservations are made before what sells them; whoever asks does so once both are there. */
export function latePort(): SalePort & { port: SalePort | null } {
  const late = {
    port: null as SalePort | null,
    describe: (...args: Parameters<SalePort['describe']>) => ready().describe(...args),
    cancel: (...args: Parameters<SalePort['cancel']>) => ready().cancel(...args),
    opens: (...args: Parameters<SalePort['opens']>) => ready().opens(...args),
  }
  const ready = (): SalePort => {
    assert(late.port !== null, 'checkout is composed before the first request')
    return late.port
  }
  return late
}

export type SaleOptions = {
  config: Config
  pools: Pools
  catalog: Catalog
  store: ReservationStore
  reservations: Reservations
  access: ReservationAccess
  provider: PacedProvider
  idempotently: Idempotently
  publicUrl: () => string
  keysFolder: string
  clock: Clock
  random: Random
  metrics: Metrics
  logger: Logger
}

/** Checkout, tickets and mails, put together with the modules that know what they sell. */
export async function createSale(options: SaleOptions): Promise<{
  checkout: Checkout
  tickets: Tickets
  notifications: Notifications
}> {
  const { config, pools, catalog, store, reservations, access, publicUrl, keysFolder, random } = options
  const { definitions } = catalog
  const accessUrlOf = (reservationId: ReservationId) =>
    `${publicUrl()}/v1/reservations/${reservationId}?access=${access.textOf(reservationId)}`

  const tickets = await createTickets({
    ...options,
    db: pools.pay,
    keysFolder,
    eventOf: eventNo => definitions.byNo(eventNo),
    eventNoOf: async idOrSlug => (await definitions.byId(idOrSlug))?.eventNo ?? null,
    opensReservation: access.opens,
  })

  async function view(eventNo: number, reservationId: ReservationId): Promise<Reservation | null> {
    const [found, definition] = await Promise.all([store.find(eventNo, reservationId), definitions.byNo(eventNo)])
    if (found === null || definition === null) return null
    const seen = viewReservation(found.reservation, definition, found.now)
    return { ...seen, ...(await checkout.describe(found.reservation)) }
  }

  async function readable(request: FastifyRequest, reservationId: ReservationId): Promise<Reservation | null> {
    const eventNo = eventNoOf(reservationId)
    const found = await store.find(eventNo, reservationId)
    const given = (request.query as { access?: string }).access
    const isOwner = found !== null && request.actor?.userId === found.reservation.userId
    const isStaff = request.actor !== null && ['admin', 'support', 'organizer'].includes(request.actor.role)
    const opens = given !== undefined && access.opens(reservationId, given)
    return isOwner || isStaff || opens ? view(eventNo, reservationId) : null
  }

  const checkout = createCheckout({
    ...options,
    db: pools.pay,
    tickets: tickets.desk,
    ticketsOf: (eventNo, reservationId) => ticketsOfReservation(pools.pay, eventNo, reservationId),
    placesOf: async record => {
      const definition = await definitions.byNo(record.eventNo)
      assert(definition !== null, 'the event of a reservation exists')
      return placesOf(record, definition)
    },
    holdPolicyOf: async eventNo => {
      const definition = await definitions.byNo(eventNo)
      return { extensionSeconds: definition?.holdPolicy.extension_seconds ?? 0 }
    },
    isChargeable,
    accessUrlOf,
    opensReservation: access.opens,
    viewReservation: view,
    readable,
    // Not that of the process: its own feed then brings it what became of the seats.
    origin: randomUUID(),
  })

  const notifications = createNotifications({
    ...options,
    db: pools.staff,
    transport:
      config.SMTP_URL === undefined
        ? mailboxTransport({ folder: resolve(join(config.HOLDFAST_DATA, 'mailbox')), random })
        : smtpTransport({ url: config.SMTP_URL }),
    from: config.HOLDFAST_MAIL_FROM,
    facts: readOrderFacts({ db: pools.pay, store, definitions, accessUrlOf }),
    attachments: async ({ reservationId, template }) => {
      if (template !== 'tickets' && template !== 'late-payment-kept') return []
      const pdf = await tickets.printOrder(eventNoOf(reservationId), reservationId)
      return pdf === null ? [] : [{ filename: 'tickets.pdf', contentType: 'application/pdf', content: pdf }]
    },
    isOverloaded: reservations.isBusy,
  })
  return { checkout, tickets, notifications }
}
