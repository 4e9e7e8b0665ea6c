import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { announceEventChanged, createAvailability } from '#availability'
import { createCatalog } from '#catalog'
import { checkoutMessages } from '#checkout'
import { createIdentity, createReservationAccess, loadTokenKeys } from '#identity'
import { systemClock as clock } from '#kernel/clock.ts'
import { systemRandom } from '#kernel/random.ts'
import { readInstallation, webhookRoutes } from '#payments'
import type { Config } from '#platform/config/config.ts'
import { createHttpServer, type HttpServer, type Routes } from '#platform/http/server.ts'
import { createIdempotency, sweepBoundAnswers } from '#platform/idempotency/index.ts'
import { type Job, startJobs } from '#platform/jobs/periodic.ts'
import { consumerJob } from '#platform/messages/consumer.ts'
import { dayPartitionsJob } from '#platform/messages/day-partitions.ts'
import { measureLagJob } from '#platform/messages/measure-lag.ts'
import { messageMetrics } from '#platform/messages/metrics.ts'
import { postgresLog } from '#platform/messages/postgres-log.ts'
import { archiveJob } from '#platform/postgres/backup/archive-job.ts'
import type { Database } from '#platform/postgres/database.ts'
import { migrate } from '#platform/postgres/migrate.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { createReports } from '#reports'
import { createPostgresStore, createReservations, prepareInventory, reservationMessages } from '#reservations'
import { createSaleControl } from '#sale-control'
import { version } from '../version.ts'
import { openPools, openRecordServer } from './database.ts'
import { measurePaymentsJob } from './measure-payments.ts'
import { operationsRoutes, type Readiness } from './operations.ts'
import { openPayments } from './payments.ts'
import { problemPages } from './problem-pages.ts'
import { registerOpenApi } from './reference/openapi.ts'
import { registerReferencePage } from './reference/page.ts'
import { type JobGroup, jobsOf, type RouteGroup, routesOf } from './roles.ts'
import { createSale, latePort } from './sale.ts'
import { seedDemo } from './seed-demo.ts'

export type RunningServer = {
  url: string
  /** Where the payment sandbox is, if there is one. */
  sandboxUrl: string | null
  /** `password` only when it was made now: it is not kept anywhere and must be told once. */
  administrator: { email: string; password: string | null }
  /** Finishes what is under way, then lets go of everything, the embedded database last. */
  close(): Promise<void>
}

export type ServerOptions = { config: Config; logger: Logger; note?: (line: string) => void }

/**
 * The composition root: one process of Holdfast, made of the modules that its roles bring. Whatever is unpredictable is made
 * here and passed in.
 */
export async function startServer({ config, logger, note = () => {} }: ServerOptions): Promise<RunningServer> {
  const random = systemRandom()
  const metrics = createMetrics()
  const closing: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const step of closing.splice(0).reverse()) await step()
  }
  try {
    const server = await openRecordServer(config, note)
    closing.push(async () => server.embedded?.stop())
    await migrate(server.directUrl)
    const pools = openPools(config, server, { logger, metrics })
    closing.push(pools.close)

    const readiness: Readiness = { ready: false, waitingFor: ['start'] }
    let url = ''
    const publicUrl = () => config.PUBLIC_URL ?? url
    const common = { clock, random, metrics, logger }
    const keysFolder = resolve(join(config.HOLDFAST_DATA, 'keys'))
    const keys = await loadTokenKeys({ secret: config.HOLDFAST_TOKEN_SECRET, folder: keysFolder, clock, random })
    const idempotently = createIdempotency({ db: pools.staff })
    const origin = randomUUID()

    const identity = createIdentity({ ...common, db: pools.staff, keys, publicUrl, idempotently })
    const catalog = createCatalog({
      ...common,
      db: pools.sale,
      readDb: pools.read,
      idempotently,
      ports: { prepareInventory, announceEventChanged },
    })
    const availability = createAvailability({ ...common, db: pools.sale, catalog, origin })
    const access = createReservationAccess(keys)
    const lateSale = latePort()
    const store = createPostgresStore({ holdDb: pools.hold, db: pools.sale, origin })
    const reservations = createReservations({
      ...common,
      store,
      catalog,
      availability,
      lanes: config.HOLDFAST_HOLD_LANES,
      sale: lateSale,
    })
    const installation = await readInstallation(pools.staff)
    const paying = await openPayments({ config, logger, metrics, clock, installation })
    closing.push(paying.stop)
    const sale = await createSale({
      ...common,
      config,
      pools,
      catalog,
      store,
      reservations,
      access,
      provider: paying.provider,
      idempotently,
      publicUrl,
      keysFolder,
    })
    lateSale.port = sale.checkout.sale
    const saleControl = createSaleControl({ ...common, db: pools.staff, catalog, idempotently, origin })

    const reports = createReports({ readDb: pools.read, clock, logger })

    const routes: Record<RouteGroup, Routes> = {
      identity: identity.routes,
      catalog: catalog.routes,
      availability: availability.routes,
      reservations: reservations.routes,
      checkout: sale.checkout.routes,
      tickets: sale.tickets.routes,
      notifications: sale.notifications.routes,
      webhooks: webhookRoutes({
        db: pools.webhooks,
        provider: paying.provider,
        clock,
        metrics,
        onStored: sale.checkout.onStored,
      }),
      'sale-control': saleControl.routes,
      reports: reports.routes,
    }
    const messageCounts = messageMetrics(metrics)
    const log = postgresLog({
      db: pools.staff,
      expansions: [
        reservationMessages({ definitions: catalog.definitions }),
        checkoutMessages({ eventIdOf: async no => (await catalog.definitions.byNo(no))?.eventId ?? null }),
      ],
    })
    const jobs: Record<JobGroup, readonly Job[]> = {
      'change-feed': availability.jobs,
      'reservation-streams': sale.checkout.streamJobs,
      expiry: reservations.jobs,
      payments: [
        ...sale.checkout.jobs,
        measurePaymentsJob({ db: pools.staff, providerId: paying.provider.id, metrics }),
      ],
      mail: sale.notifications.jobs,
      keys: sale.tickets.jobs,
      audit: saleControl.jobs,
      relay: [...reports.consumers, ...sale.notifications.consumers].map(consumer =>
        consumerJob(consumer, {
          db: pools.staff,
          log,
          processId: origin,
          metrics: messageCounts,
          logger,
          isOverloaded: reservations.isBusy,
        }),
      ),
      housekeeping: [
        dayPartitionsJob({ db: pools.staff, logger }),
        measureLagJob({ db: pools.staff, metrics: messageCounts }),
        boundAnswersJob(pools.staff),
        archiveJob({ db: pools.staff, metrics }),
      ],
    }

    const app = createHttpServer({
      ...common,
      authenticate: identity.authenticate,
      publicUrl,
      trustedProxies: config.HOLDFAST_TRUSTED_PROXIES,
    })
    await registerOpenApi(app, version())
    app.register(async scope => {
      operationsRoutes({
        version: version(),
        metrics,
        metricsToken: config.HOLDFAST_METRICS_TOKEN,
        readiness: () => readiness,
        publicConfig: () => ({ version: version(), payments: paying.publicConfig }),
      })(scope)
      problemPages(scope)
      for (const group of routesOf(config.HOLDFAST_ROLES)) routes[group](scope)
    })
    await registerReferencePage(app)
    const closeDoor = () => drain(app, config.HOLDFAST_DRAIN_SECONDS)
    closing.push(closeDoor)
    await app.listen({ port: config.PORT, host: config.HOST })
    url = addressOf(app.server.address() as AddressInfo, config.HOST)

    if (routesOf(config.HOLDFAST_ROLES).has('webhooks'))
      await paying.setWebhookUrl(`${url}/v1/webhooks/payments/stripe`)
    await identity.start()
    closing.push(identity.stop)
    availability.start()
    closing.push(availability.stop)
    const administrator = await identity.ensureAdministrator({
      email: config.HOLDFAST_ADMIN_EMAIL,
      password: config.HOLDFAST_ADMIN_PASSWORD,
    })
    const running = startJobs(
      [...jobsOf(config.HOLDFAST_ROLES)].flatMap(group => jobs[group]),
      common,
    )
    closing.push(running.stop)
    if (config.HOLDFAST_DEMO ?? server.embedded !== null)
      await seedDemo({ url, db: pools.staff, token: identity.issueAdministratorToken, now: clock.now(), note })
    readiness.ready = true
    readiness.waitingFor = []
    // In reverse: streams end first, because the door waits for them.
    closing.push(reservations.drained, closeDoor, availability.stop, async () => {
      readiness.ready = false
      readiness.waitingFor = ['stop']
    })
    return { url, sandboxUrl: paying.sandboxUrl, administrator, close }
  } catch (error) {
    await close().catch(() => {}) // the first error is the one to tell
    throw error
  }
}

/** Finishes requests under way; who is not done by then, or never asked anything, is cut off. Safe to call twice. */
async function drain(app: HttpServer, seconds: number): Promise<void> {
  const closed = new AbortController()
  const later = (ms: number, work: () => void) => clock.sleep(ms, closed.signal).then(work, () => {})
  void later(250, () => app.server.closeIdleConnections())
  void later(seconds * 1000, () => app.server.closeAllConnections())
  await app.close()
  closed.abort()
}

/** Answers bound to an Idempotency-Key of staff are kept for a day. */
function boundAnswersJob(db: Database): Job {
  return {
    name: 'sweep-bound-answers',
    everyMs: 60_000,
    run: async () => ((await sweepBoundAnswers(db)) > 0 ? 'more' : 'dry'),
  }
}

function addressOf({ port, address, family }: AddressInfo, host: string): string {
  const shown =
    address === '0.0.0.0' || address === '::'
      ? '127.0.0.1'
      : host === 'localhost'
        ? host
        : family === 'IPv6'
          ? `[${address}]`
          : address
  return `http://${shown}:${port}`
}
