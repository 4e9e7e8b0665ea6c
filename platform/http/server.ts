import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
  type onRequestHookHandler,
  type onResponseHookHandler,
  type RawServerDefault,
  type RouteOptions,
} from 'fastify'
import type { Actor, ActorRole } from '#contracts/actor.ts'
import type { ProblemCode } from '#contracts/problems.ts'
import { assert } from '#kernel/assert.ts'
import type { Clock } from '#kernel/clock.ts'
import type { Random } from '#kernel/random.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { createRouteLatency } from '../telemetry/route-latency.ts'
import { type AtHand, answerAtHand } from './at-hand.ts'
import { startDeadlines, type Watched } from './deadline.ts'
import { type AnswerTo, answerDirectly, readAgain, type Turn } from './direct.ts'
import { atEndOfTurn } from './end-of-turn.ts'
import { type Denied, sendProblem } from './problem.ts'
import { createFaultReader } from './read-fault.ts'
import { readJson } from './read-json.ts'
import { requestId } from './request-id.ts'
import { createShedding, type TrafficClass } from './shedding.ts'
import { answerUnreadable } from './unreadable.ts'
import { validatorCompiler } from './validation.ts'

export type HttpServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** What a module gives: its routes, mounted by the roles that serve them. */
export type Routes = (app: HttpServer) => void

/** Who may call a route: `public` needs no token, `any` needs one, a list needs one of these roles (admin always may). */
export type Access = 'public' | 'any' | readonly ActorRole[]

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
    traffic?: TrafficClass
    /** Streams and long polls live longer than the deadline. */
    unbounded?: boolean
    /** For a public GET with one parameter whose answers mostly lie in memory: see `at-hand.ts`. */
    atHand?: AtHand
    /** For a POST that is answered mostly without the framework: see `direct.ts`. Its handler is `byFramework` of the same. */
    direct?: AnswerTo<never>
    /** When what is answered directly is begun: in a rush, not before there is room for it. */
    turn?: Turn
    /** The refusals of this route, beside those that any route may give. For the reference. */
    problems?: readonly ProblemCode[]
  }
  interface FastifyInstance {
    publicUrl(): string
  }
  interface FastifyRequest {
    /** Present on every route whose access is not `public`; on public ones only if a valid token came along. */
    actor: Actor | null
    /** `Clock.monotonic()` when the framework was given the request: when its head was read, or a body that is wrong (`direct.ts`). */
    startedAt: number
    /** Null where an answer may take its time. */
    deadline: Watched | null
  }
}

/** Who sends this request, or why that is not known. Reads only the method and the headers, and waits for nothing. */
export type Authenticate = (request: Pick<FastifyRequest, 'method' | 'headers'>) => Actor | ProblemCode

export type HttpServerOptions = {
  logger: Logger
  metrics: Metrics
  clock: Clock
  random: Random
  authenticate: Authenticate
  publicUrl: () => string
  /** Milliseconds after which a request that has no answer gets 503. */
  deadlineMs?: number
  /** Whose X-Forwarded-For is believed: addresses or networks, separated by commas. Absent: nobody's. */
  trustedProxies?: string | undefined
}

const bodyLimitBytes = 64 * 1024

/** Longer than the keep-alive of usual proxies, so that they close first; short where a slow client could hold a socket. */
const socketTimes = { keepAliveTimeout: 75_000, headersTimeout: 10_000, requestTimeout: 30_000 }

/** The HTTP server of every role: ids, tokens, validation, problems, metrics, shedding and deadlines, before any route. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { logger, metrics, clock, random } = options
  const shedding = createShedding(options)
  const readFault = createFaultReader(options)
  const handleError = (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    if (reply.sent) return
    const { code, options: told } = readFault(error, request)
    sendProblem(request, reply, code, told)
  }
  const app: HttpServer = fastify({
    // The framework's own lines are for debugging it; ours say what an operator needs.
    loggerInstance: logger.child({}, { level: logger.level === 'info' ? 'warn' : logger.level }) as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    // One for all: ours never log through a request, and to make one for each is 1–2 % of an attempt.
    childLoggerFactory: parent => parent,
    serverFactory: handler => shedding.createServer(handler, socketTimes),
    bodyLimit: bodyLimitBytes,
    trustProxy: options.trustedProxies ?? false,
    genReqId: request => requestId(request, random),
    requestIdHeader: false,
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 300 },
    return503OnClosing: false,
    clientErrorHandler: answerUnreadable(options),
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => void handleError(error as FastifyError, request, reply as FastifyReply),
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.decorate('publicUrl', options.publicUrl)
  app.decorateRequest('actor', null)
  app.decorateRequest('startedAt', 0)
  app.decorateRequest('deadline', null)
  app.setValidatorCompiler(validatorCompiler)
  app.setErrorHandler(handleError)
  app.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, 'not-found', {
      detail: `There is nothing at ${request.method} ${request.url.slice(0, 200)}.`,
    }),
  )
  takeJson(app)

  const latency = createRouteLatency(metrics.registry)
  const deadlines = startDeadlines({ clock, deadlineMs: options.deadlineMs ?? 8000 })
  let isClosing = false
  const isWatched = () => isClosing || logger.isLevelEnabled('debug')
  app.addHook('preClose', async () => {
    isClosing = true
  })
  app.addHook('onClose', async () => {
    deadlines.stop()
    shedding.stop()
  })

  // Answers that are made in one turn are written one after the other at its end: the kernel wakes whoever reads them once, and not for
  // each, which is a quarter of what an attempt costs in a rush.
  const together = atEndOfTurn()
  const write = (response: ServerResponse, id: string, work: () => void) =>
    together(() => {
      try {
        work()
      } catch (error) {
        // Outside of the handler nobody would catch it, and the others of this turn would have no answer either.
        logger.error({ err: error, request_id: id }, 'an answer could not be sent')
        response.destroy()
      }
    })
  app.addHook('onSend', (request, reply, _payload, done) => write(reply.raw, request.id, done))

  // One hook before and one after, made for each route when it is declared: what they need of it is then at hand, while
  // `request.routeOptions` builds an object every time it is asked.
  app.addHook('onRoute', route => {
    const {
      access = 'public',
      traffic = 'browse',
      unbounded = false,
      atHand: find,
      direct: answerTo,
      turn,
    } = route.config ?? {}
    const record = latency.forRoute(String(route.method), route.url)
    const atHand =
      find && route.method === 'GET' ? answerAtHand(find, { clock, random, write, isWatched, record }) : undefined
    assert(atHand === undefined || access === 'public', 'what is at hand is for everybody')
    assert(
      answerTo === undefined || (route.method === 'POST' && access !== 'public'),
      'what is answered directly is a POST of somebody known',
    )
    assert(
      answerTo === undefined ||
        ![route.schema?.querystring, route.schema?.params, route.preValidation, route.preHandler].some(Boolean),
      'what is answered directly has no more to be looked at than its token and its body',
    )
    const direct =
      answerTo &&
      answerDirectly(answerTo, {
        clock,
        random,
        deadlines,
        bodyLimitBytes,
        publicUrl: options.publicUrl,
        authorize: request => authorize(request, access, options.authenticate),
        isBody: bodyValidator(route.schema),
        readFault,
        turn,
        write,
        isWatched,
        record,
      })
    if (direct) route.preParsing = [readAgain, ...[route.preParsing ?? []].flat()]
    for (const method of [route.method].flat())
      shedding.addRoute(method, route.url, { traffic, isCounted: !unbounded, atHand, direct })
    const before: onRequestHookHandler = (request, reply, done) => {
      request.startedAt = clock.monotonic()
      reply.header('X-Request-Id', request.id)
      if (!unbounded) {
        const tooLate = ({ code, options: told }: Denied) =>
          void (reply.sent || sendProblem(request, reply, code, told))
        request.deadline = deadlines.watch(request.startedAt, tooLate)
      }
      const actor = authorize(request, access, options.authenticate)
      if (actor !== null && 'code' in actor) return void sendProblem(request, reply, actor.code, actor.options)
      request.actor = actor
      done()
    }
    const after: onResponseHookHandler = (request, reply, done) => {
      const seconds = (clock.monotonic() - request.startedAt) / 1000
      if (request.deadline !== null) deadlines.forget(request.deadline)
      if (!unbounded) record(reply.statusCode, seconds)
      if (logger.isLevelEnabled('debug')) logger.debug(lineOf(request, reply, route.url, seconds), 'request')
      done()
    }
    route.onRequest = [before, ...[route.onRequest ?? []].flat()]
    route.onResponse = [after, ...[route.onResponse ?? []].flat()]
  })
  return app
}

/** The same validator as that of the framework, which keeps it to itself. */
function bodyValidator(schema: RouteOptions['schema']): (body: unknown) => boolean {
  assert(schema?.body !== undefined, 'what is answered directly says what its body is')
  const validate = validatorCompiler({ schema: schema.body as object, method: '', url: '', httpPart: 'body' })
  return body => validate(body) === true
}

function lineOf(request: FastifyRequest, reply: FastifyReply, route: string, seconds: number): object {
  return {
    request_id: request.id,
    method: request.method,
    route,
    status: reply.statusCode,
    ms: Math.round(seconds * 1000),
  }
}

/** Who asks; null for nobody in particular, where that is allowed. */
function authorize(
  request: { method?: string | undefined; headers: IncomingHttpHeaders },
  access: Access,
  authenticate: Authenticate,
): Actor | Denied | null {
  const { method = '', headers } = request
  const { authorization, cookie } = headers
  if (access === 'public' && authorization === undefined && cookie === undefined) return null
  const actor = authenticate({ method, headers })
  if (typeof actor === 'string') return access === 'public' && authorization === undefined ? null : { code: actor }
  if (access === 'public' || access === 'any' || actor.role === 'admin' || access.includes(actor.role)) return actor
  return { code: 'forbidden', options: { extras: { required: access } } }
}

function takeJson(app: HttpServer): void {
  app.removeContentTypeParser(['text/plain', 'application/json'])
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (_request, raw, done) => {
    // Many clients name a type where they send nothing; a route that needs a body says so itself.
    if (raw === '') return done(null, undefined)
    let parsed: unknown
    try {
      parsed = readJson(raw)
    } catch (error) {
      return done(error as Error)
    }
    done(null, parsed)
  })
}
