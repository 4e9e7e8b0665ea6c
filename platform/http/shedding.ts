import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Clock } from '#kernel/clock.ts'
import type { Random } from '#kernel/random.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { AnswerAtHand } from './at-hand.ts'
import type { Direct } from './direct.ts'
import { requestId } from './request-id.ts'
import { Room } from './room.ts'

/** What a request is worth when not all can be served, from the most to the least. */
export const trafficClasses = ['operations', 'webhook', 'pay', 'hold', 'join', 'browse', 'reports'] as const
export type TrafficClass = (typeof trafficClasses)[number]

/** The share of the room that may be full before a class is turned away. */
const fullAt: Record<TrafficClass, number> = {
  operations: Number.POSITIVE_INFINITY,
  webhook: 1,
  pay: 0.95,
  hold: 0.85,
  join: 0.7,
  browse: 0.6,
  reports: 0.4,
}

const loopLagMaxMs = 600
/** With so little to do a late event loop is not our load: a neighbour has the processor, and turning people away helps nobody. */
const fewUnderWay = 32
const lagTickMs = 50
/** Who finds no room waits for so long before being turned away, in case somebody leaves. */
const waitMs = 25
/**
 * And of those, so many a tick. Clients that ask again at once would otherwise have refusals of us and nothing else: a refusal takes a
 * third of what a hold takes, and they can ask without end. Whoever waits longer for theirs asks less often.
 */
const turnedAwayATick = 150
/** Sockets that wait, by class; beyond it people are turned away at once. */
const waitingMax = 10_000
const retryAfterSeconds = 1
const unknown: RouteTraffic = { traffic: 'browse', isCounted: true }

/** `isCounted`: streams that stay open for hours are admitted like others, but take no room. */
export type RouteTraffic = {
  traffic: TrafficClass
  isCounted: boolean
  atHand?: AnswerAtHand | undefined
  direct?: Direct | undefined
}

/** A route with a parameter in its address: what stands before it and after it. */
type Pattern = { prefix: string; suffix: string; route: RouteTraffic }

type Waiting = {
  request: IncomingMessage
  response: ServerResponse
  handler: RequestListener
  route: RouteTraffic
  since: number
}

export type Shedding = {
  /** An HTTP server that turns requests away before anything but their head was read. */
  createServer(handler: RequestListener, options: object): Server
  /** To be told of every route, so that a request's class is known from its address alone. */
  addRoute(method: string, url: string, route: RouteTraffic): void
  stop(): void
}

/**
 * Turns requests away by class. Two signals: requests under way, and how late the event loop runs; the second sees what the first
 * cannot, work queued below us in the sockets.
 *
 * It stands before the framework, because at ten times the load most requests are turned away: here that costs a third of what
 * it costs in a hook.
 */
export function createShedding(options: {
  metrics: Metrics
  clock: Clock
  random: Random
  publicUrl: () => string
}): Shedding {
  const { metrics, clock, random, publicUrl } = options
  const shed = metrics.counter('holdfast_http_shed_total', 'Requests turned away before their body was read.', [
    'class',
  ])
  const underWay = Object.fromEntries(trafficClasses.map(name => [name, 0])) as Record<TrafficClass, number>
  const waiting = Object.fromEntries(trafficClasses.map(name => [name, []])) as unknown as Record<
    TrafficClass,
    Waiting[]
  >
  const exact = new Map<string, RouteTraffic>()
  const patterns = new Map<string, Pattern[]>()
  /** All that wait, so that the common case, nobody, costs one comparison. */
  let inLine = 0
  let total = 0
  let lagMs = 0
  const room = new Room()
  let last = clock.monotonic()
  let lastUsed = performance.eventLoopUtilization()
  const timer = setInterval(() => {
    const now = clock.monotonic()
    lagMs = 0.7 * lagMs + 0.3 * Math.max(0, now - last - lagTickMs)
    const used = performance.eventLoopUtilization()
    room.tick(now - last, total, performance.eventLoopUtilization(used, lastUsed).utilization)
    last = now
    lastUsed = used
    if (inLine === 0) return
    admitWaiting()
    turnAwayWaiting(now)
  }, lagTickMs)
  timer.unref()
  metrics.gauge('holdfast_http_under_way', 'Requests under way.', ['class'], gauge => {
    for (const name of trafficClasses) gauge.set({ class: name }, underWay[name])
  })
  metrics.gauge('holdfast_http_waiting', 'Requests that wait for room.', ['class'], gauge => {
    for (const name of trafficClasses) gauge.set({ class: name }, waiting[name].length)
  })
  metrics.gauge('holdfast_http_room', 'Requests that may be under way before some are turned away.', [], gauge =>
    gauge.set(room.size),
  )
  metrics.gauge('holdfast_event_loop_lag_seconds', 'How late timers run, smoothed.', [], gauge =>
    gauge.set(lagMs / 1000),
  )

  function patternOf(method: string, path: string): Pattern | undefined {
    return patterns.get(method)?.find(({ prefix, suffix }) => path.startsWith(prefix) && path.endsWith(suffix))
  }

  function turnAway(request: IncomingMessage, response: ServerResponse, traffic: TrafficClass): void {
    shed.inc({ class: traffic })
    const id = requestId(request, random)
    response.writeHead(503, {
      'Content-Type': 'application/problem+json; charset=utf-8',
      'Cache-Control': 'private, no-store',
      'Retry-After': String(retryAfterSeconds),
      'X-Request-Id': id,
    })
    response.end(
      `{"type":"${publicUrl()}/problems/overloaded","title":"The server is busy","status":503,"detail":"Wait as long as \`Retry-After\` says. Nothing was changed.","code":"overloaded","request_id":"${id}"}`,
    )
  }

  function isFull(traffic: TrafficClass): boolean {
    const load = total < fewUnderWay ? 0 : Math.max(total / room.size, lagMs / loopLagMaxMs)
    return load >= fullAt[traffic]
  }

  function admit(
    handler: RequestListener,
    request: IncomingMessage,
    response: ServerResponse,
    { traffic, direct }: RouteTraffic,
  ): void {
    total++
    underWay[traffic]++
    response.once('close', () => {
      total--
      room.served()
      underWay[traffic]--
      if (inLine > 0) admitWaiting()
    })
    if (direct === undefined) handler(request, response)
    else direct(request, response, handler)
  }

  /** Whoever waits and has room now, the most worth first, of each class the first come. */
  function admitWaiting(): void {
    for (const traffic of trafficClasses) {
      const line = waiting[traffic]
      while (line.length > 0 && !isFull(traffic)) {
        const { handler, request, response, route } = line.shift()!
        inLine--
        if (!response.destroyed) admit(handler, request, response, route)
      }
    }
  }

  /** Those who have waited long enough are turned away, the least worth first, and not more than costs little. */
  function turnAwayWaiting(now: number): void {
    let left = turnedAwayATick
    for (const traffic of trafficClasses.toReversed()) {
      const line = waiting[traffic]
      while (left > 0 && line.length > 0 && line[0]!.since <= now - waitMs) {
        const { request, response } = line.shift()!
        inLine--
        if (response.destroyed) continue
        turnAway(request, response, traffic)
        left--
      }
    }
  }

  return {
    createServer: (handler, serverOptions) =>
      createServer(serverOptions, (request, response) => {
        const { method, url } = request as { method: string; url: string }
        const query = url.indexOf('?')
        const path = query === -1 ? url : url.slice(0, query)
        const known = exact.get(`${method} ${path}`)
        const pattern = known === undefined ? patternOf(method, path) : undefined
        const found = known ?? pattern?.route ?? unknown
        // What is answered before the framework does not look at a query.
        const route = query === -1 ? found : { ...found, atHand: undefined, direct: undefined }
        const { traffic, isCounted, atHand } = route
        if (!isFull(traffic)) {
          // What is answered within this turn takes no room.
          if (atHand !== undefined && pattern !== undefined) {
            const parameter = path.slice(pattern.prefix.length, path.length - pattern.suffix.length)
            if (atHand(request, response, parameter)) return
          }
          return isCounted ? admit(handler, request, response, route) : handler(request, response)
        }
        if (!isCounted || waiting[traffic].length >= waitingMax) return turnAway(request, response, traffic)
        waiting[traffic].push({ handler, request, response, route, since: clock.monotonic() })
        inLine++
      }),
    addRoute(method, url, route) {
      const parameter = url.search(/[:*]/)
      if (parameter === -1) exact.set(`${method} ${url}`, route)
      else {
        const suffix = url.slice(parameter).replace(/^.*[:*][^/]*/, '')
        const all = [...(patterns.get(method) ?? []), { prefix: url.slice(0, parameter), suffix, route }]
        // The most particular first.
        all.sort((a, b) => b.prefix.length + b.suffix.length - a.prefix.length - a.suffix.length)
        patterns.set(method, all)
      }
    },
    stop: () => clearInterval(timer),
  }
}
