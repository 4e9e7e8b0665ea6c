import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { Value } from 'typebox/value'
import type { Clock } from '#kernel/clock.ts'
import type { Random } from '#kernel/random.ts'
import {
  liveSecrets,
  newCredentials,
  newWebhookSecret,
  readCredentials,
  type SandboxCredentials,
  writeCredentials,
} from './credentials.ts'
import { afterAttempt, DueDeliveries, signatureHeader } from './deliveries.ts'
import { decodeForm } from './form.ts'
import { Ledger } from './ledger.ts'
import { livingSandbox, SandboxRuns } from './living.ts'
import type { Delivery, LedgerRecord } from './objects.ts'
import { applyRecord } from './objects.ts'
import { authenticationPage, sandboxPage } from './pages.ts'
import { SandboxProvider } from './provider.ts'
import { steer, steerBody } from './steering.ts'

export type SandboxOptions = {
  folder: string
  /** 0 takes any free one, or the one of the last start. */
  port: number
  host?: string
  clock: Clock
  random: Random
  log: (line: string) => void
  /** Started by a server, which stops it. */
  supervised?: boolean
  /** Its folder was removed, or its ledger cannot be written: it has to end, since it would remember more than it keeps. */
  onLost?: () => void
}

export type RunningSandbox = { origin: string; credentials: SandboxCredentials; close(): Promise<void> }

const tickMs = 100
const attemptMs = 10_000
const lookAtFolderTicks = 20
const attemptsAtOnce = 20
const bodyMax = 256 * 1024

/**
 * The sandbox as a process: Stripe's API over HTTP, its webhooks, a page to see and steer it. It has a ledger of its own and knows nothing
 * of the box office but the address of its webhooks.
 *
 * @throws SandboxRuns when one works on this folder already
 */
export async function runSandbox(options: SandboxOptions): Promise<RunningSandbox> {
  const { folder, clock, random, log, host = '127.0.0.1' } = options
  const credentials = (await readCredentials(folder)) ?? newCredentials(random)
  const living = await livingSandbox(folder)
  if (living !== null) throw new SandboxRuns(living.origin)
  // Its port is taken before the ledger is touched: of two that start at once, one hears of the other.
  const opened = Promise.withResolvers<void>()
  const server = createServer((request, response) => {
    opened.promise
      .then(() => answer(request, response))
      .catch(error => {
        log(`a request to the sandbox failed: ${(error as Error).message}`)
        if (!response.headersSent) response.writeHead(error.status ?? 500, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ error: { type: 'api_error', message: 'The sandbox stumbled.' } }))
      })
  })
  server.keepAliveTimeout = 75_000
  await listen(server, options.port || credentials.port, host).catch(async error => {
    const faster = await livingSandbox(folder)
    if (faster !== null) throw new SandboxRuns(faster.origin)
    // The port of the last start is a wish; one that was asked for is not.
    if (error.code !== 'EADDRINUSE' || options.port !== 0) throw error
    return listen(server, 0, host)
  })
  const { port } = server.address() as AddressInfo
  const origin = `http://${host}:${port}`
  credentials.port = port
  await writeCredentials(folder, credentials)
  const { ledger, tables } = await Ledger.open(folder)
  const keys = { secretKey: credentials.secret_key, publishableKey: credentials.publishable_key }
  const provider = new SandboxProvider({ clock, random, keys, origin: () => origin })
  Object.assign(provider.tables, tables)

  const stopping = new AbortController()
  let underWay = 0
  /** Microseconds from sending a webhook to a yes, of all since the start; and how late this process itself was, nanoseconds. */
  const acknowledged = createHistogram()
  const ownDelay = monitorEventLoopDelay()
  ownDelay.enable()

  async function attempt(delivery: Delivery): Promise<void> {
    const event = provider.tables.events.get(delivery.event_id)!
    const body = JSON.stringify(event)
    const now = clock.now()
    let status: number | null = null
    if (!provider.steering.webhooks.outage && credentials.webhook_url !== null) {
      const sentAt = clock.monotonic()
      const answer = await fetch(credentials.webhook_url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'stripe-signature': signatureHeader(body, liveSecrets(credentials, now), now),
          'user-agent': 'Stripe/1.0 (Holdfast sandbox)',
        },
        body,
        signal: AbortSignal.timeout(attemptMs),
      }).catch(() => null)
      status = answer?.status ?? null
      if (answer?.ok) acknowledged.record(Math.max(1, Math.round((clock.monotonic() - sentAt) * 1000)))
      await answer?.body?.cancel().catch(() => {})
    }
    const record: LedgerRecord = { table: 'deliveries', row: afterAttempt(delivery, status, clock.now()) }
    applyRecord(provider.tables, record)
    if (record.row.state === 'waiting') waiting.add(record.row)
    await ledger.append([record])
  }

  const waiting = new DueDeliveries()
  const noteWaiting = (records: readonly LedgerRecord[]) => {
    for (const { table, row } of records) if (table === 'deliveries' && row.state === 'waiting') waiting.add(row)
  }
  noteWaiting([...provider.tables.deliveries.values()].map(row => ({ table: 'deliveries' as const, row })))

  /** Whoever has been answered makes room for the next at once: a burst is not held up by the tick. */
  function deliverDue(): void {
    while (underWay < attemptsAtOnce && credentials.webhook_url !== null) {
      const delivery = waiting.take(clock.now())
      if (delivery === undefined) return
      underWay++
      void attempt(delivery)
        .catch(error => log(`a webhook could not be noted: ${(error as Error).message}`))
        .finally(() => {
          underWay--
          if (!stopping.signal.aborted) deliverDue()
        })
    }
  }

  async function tick(): Promise<void> {
    const elapsed = provider.elapse()
    noteWaiting(elapsed)
    await ledger.append(elapsed)
    deliverDue()
  }

  async function keepTicking(): Promise<void> {
    for (let ticks = 0; !stopping.signal.aborted; ticks++) {
      if (ticks % lookAtFolderTicks === 0 && (await readCredentials(folder).catch(() => credentials)) === null)
        options.onLost?.()
      if (ledger.broken !== null) options.onLost?.()
      await tick().catch(error => log(`the sandbox stumbled: ${(error as Error).message}`))
      await clock.sleep(tickMs, stopping.signal).catch(() => {})
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', origin)
    response.setHeader('access-control-allow-origin', '*')
    response.setHeader('access-control-allow-headers', 'authorization, content-type, idempotency-key, stripe-version')
    if (request.method === 'OPTIONS') return void response.writeHead(204).end()
    const text = await readBody(request)
    if (url.pathname.startsWith('/v1/')) return answerStripe(request, response, url, text)
    return answerOwn(request, response, url, text)
  }

  async function answerStripe(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    text: string,
  ): Promise<void> {
    const headers = request.headers as Record<string, string | undefined>
    const answered = provider.handle({
      method: request.method!,
      path: url.pathname.replace(/\/$/, ''),
      query: decodeForm(url.search.slice(1)),
      body: decodeForm(text),
      headers,
    })
    noteWaiting(answered.records)
    await ledger.append(answered.records)
    if (answered.fault?.kind === 'silence') return // the caller's patience decides
    if (answered.fault?.kind === 'hang') await clock.sleep(answered.fault.ms, stopping.signal).catch(() => {})
    sendJson(response, answered.status, answered.body, answered.headers)
  }

  async function answerOwn(request: IncomingMessage, response: ServerResponse, url: URL, text: string): Promise<void> {
    const send = (status: number, body: unknown) => sendJson(response, status, body)
    const page = (html: string, status = 200) =>
      void response
        .writeHead(status, {
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy':
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; form-action 'self' *",
        })
        .end(html)
    const route = `${request.method} ${url.pathname.replace(/^\/authenticate\/.+/, '/authenticate/*')}`
    switch (route) {
      case 'GET /':
        return page(sandboxPage(provider, credentials, clock.now()))
      case 'GET /healthz':
        return send(200, { status: 'ok', pid: process.pid })
      case 'GET /sandbox/state': {
        const { intents, refunds, events } = provider.tables
        const states: Record<string, number> = {}
        for (const { state } of provider.tables.deliveries.values()) states[state] = (states[state] ?? 0) + 1
        return send(200, {
          steering: provider.steering,
          intents: intents.size,
          refunds: refunds.size,
          events: events.size,
          deliveries: states,
          acknowledgements: {
            count: acknowledged.count,
            p50_ms: acknowledged.percentile(50) / 1000,
            p99_ms: acknowledged.percentile(99) / 1000,
            own_delay_p99_ms: ownDelay.percentile(99) / 1e6,
          },
          webhook_url: credentials.webhook_url,
          publishable_key: credentials.publishable_key,
          pid: process.pid,
          supervised: options.supervised ?? false,
        })
      }
      case 'POST /sandbox/steer': {
        const body = readJson(text)
        if (!Value.Check(steerBody, body)) {
          const errors = [...Value.Errors(steerBody, body)].map(
            error => `${error.instancePath || 'body'} ${error.message}`,
          )
          return send(400, { error: { message: errors.slice(0, 5).join('; ') || 'The body must be JSON.' } })
        }
        steer(provider.steering, body)
        return send(200, provider.steering)
      }
      case 'POST /sandbox/endpoints': {
        const { url: given } = (readJson(text) ?? {}) as { url?: unknown }
        if (typeof given !== 'string' || !URL.canParse(given))
          return send(400, { error: { message: 'url must be a URL.' } })
        credentials.webhook_url = given
        await writeCredentials(folder, credentials)
        return send(200, { url: given })
      }
      case 'POST /sandbox/endpoints/rotate-secret': {
        const { overlap_seconds = 3600 } = (readJson(text) ?? {}) as { overlap_seconds?: number }
        const until = clock.now() + Number(overlap_seconds) * 1000
        credentials.webhook_secrets = [
          newWebhookSecret(random),
          ...credentials.webhook_secrets.map(known => ({ ...known, until: known.until ?? until })),
        ].filter(known => known.until === null || known.until > clock.now())
        await writeCredentials(folder, credentials)
        return send(200, { secrets: credentials.webhook_secrets.length })
      }
      case 'POST /sandbox/resend': {
        const { event } = decodeForm(text)
        const known = provider.tables.events.get(String(event))
        if (known === undefined) return send(404, { error: { message: 'There is no such event.' } })
        const row: Delivery = {
          id: `${known.id}.again.${random.bytes(4).toString('hex')}`,
          event_id: known.id,
          due_at: clock.now(),
          attempt: 0,
          state: 'waiting',
          last_status: null,
        }
        const records: LedgerRecord[] = [{ table: 'deliveries', row }]
        applyRecord(provider.tables, records[0]!)
        noteWaiting(records)
        await ledger.append(records)
        return void response.writeHead(303, { location: '/' }).end()
      }
      case 'GET /authenticate/*':
      case 'POST /authenticate/*': {
        const intent = provider.tables.intents.get(url.pathname.split('/')[2]!)
        if (intent === undefined) return page(authenticationPage(null), 404)
        if (request.method === 'GET') return page(authenticationPage(intent))
        const back = intent.next_action?.redirect_to_url.return_url ?? '/'
        const records = provider.authenticate(intent.id, decodeForm(text).result === 'succeed')
        noteWaiting(records)
        await ledger.append(records)
        return void response.writeHead(303, { location: back }).end()
      }
      default:
        return send(404, { error: { message: 'There is nothing here.' } })
    }
  }

  opened.resolve()
  const ticking = keepTicking()

  return {
    origin,
    credentials,
    async close() {
      stopping.abort()
      ownDelay.disable()
      server.close()
      server.closeAllConnections()
      await ticking
      await ledger.close()
    },
  }
}

function listen(server: ReturnType<typeof createServer>, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > bodyMax) throw Object.assign(new Error('the body is too large'), { status: 413 })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function sendJson(response: ServerResponse, status: number, body: unknown, headers: OutgoingHttpHeaders = {}): void {
  const answer = Buffer.from(JSON.stringify(body))
  const described = { 'content-type': 'application/json', 'content-length': answer.length }
  response.writeHead(status, { ...described, ...headers }).end(answer)
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
