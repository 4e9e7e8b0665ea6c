import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  type RawServerDefault,
} from 'fastify'
import secureJson from 'secure-json-parse'
import type { Actor, ActorRole } from '#contracts/actor.ts'
import type { ProblemCode } from '#contracts/problems.ts'
import type { Clock } from '#kernel/clock.ts'
import { OutcomeUnknown, RetryableFault } from '#kernel/faults.ts'
import type { Random } from '#kernel/random.ts'
import type { Logger } from '../telemetry/logger.ts'
import { latencyBuckets, type Metrics } from '../telemetry/metrics.ts'
import { startDeadlines } from './deadline.ts'
import { type ProblemOptions, sendProblem } from './problem.ts'
import { createShedding, type TrafficClass } from './shedding.ts'
import { fieldErrors, unstorableText, validatorCompiler } from './validation.ts'

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
  }
  interface FastifyInstance {
    publicUrl(): string
  }
  interface FastifyRequest {
    /** Present on every route whose access is not `public`; on public ones only if a valid token came along. */
    actor: Actor | null
    /** `Clock.monotonic()` when the request's head was read. */
    startedAt: number
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
}

export const bodyLimitBytes = 64 * 1024

/** The HTTP server of every role: ids, tokens, validation, problems, metrics, shedding and deadlines, before any route. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { logger, metrics, clock } = options
  const app: HttpServer = fastify({
    loggerInstance: logger as FastifyBaseLogger,
    disableRequestLogging: true,
    bodyLimit: bodyLimitBytes,
    genReqId: request => requestId(request, options.random),
    requestIdHeader: false,
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 300 },
    keepAliveTimeout: 75_000,
    requestTimeout: 30_000,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => void handleError(error as FastifyError, request, reply as FastifyReply),
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.decorate('publicUrl', options.publicUrl)
  app.decorateRequest('actor', null)
  app.decorateRequest('startedAt', 0)
  app.setValidatorCompiler(validatorCompiler)
  app.setErrorHandler(handleError)
  app.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, 'not-found', {
      detail: `There is nothing at ${request.method} ${request.url.slice(0, 200)}.`,
    }),
  )
  takeJson(app)

  const latency = metrics.histogram(
    'holdfast_http_request_duration_seconds',
    'Time from the head of a request to the end of its answer.',
    latencyBuckets,
    ['method', 'route', 'status'],
  )
  const shedding = createShedding(metrics, clock)
  const deadlines = startDeadlines({ clock, deadlineMs: options.deadlineMs ?? 8000 })
  app.addHook('onClose', async () => {
    deadlines.stop()
    shedding.stop()
  })

  app.addHook('onRequest', (request, reply, done) => {
    request.startedAt = clock.monotonic()
    reply.header('X-Request-Id', request.id)
    const { access = 'public', traffic = 'browse', unbounded = false } = request.routeOptions.config
    if (!shedding.admit(traffic)) {
      sendProblem(request, reply, 'overloaded', { retryAfterSeconds: 1 })
      return
    }
    if (!unbounded) deadlines.watch(request, reply)
    const refusal = authorize(request, access, options.authenticate)
    if (refusal !== null) {
      sendProblem(request, reply, refusal.code, refusal.options)
      return
    }
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    const { traffic = 'browse', url: route = 'none' } = {
      ...request.routeOptions.config,
      url: request.routeOptions.url,
    }
    const seconds = (clock.monotonic() - request.startedAt) / 1000
    shedding.done(traffic, reply.statusCode, seconds)
    deadlines.forget(request)
    latency.observe({ method: request.method, route, status: String(reply.statusCode) }, seconds)
    if (logger.isLevelEnabled('debug'))
      logger.debug(
        {
          request_id: request.id,
          method: request.method,
          route,
          status: reply.statusCode,
          ms: Math.round(seconds * 1000),
        },
        'request',
      )
    done()
  })
  return app
}

type Denied = { code: ProblemCode; options?: ProblemOptions }

function authorize(request: FastifyRequest, access: Access, authenticate: Authenticate): Denied | null {
  const { authorization, cookie } = request.headers
  if (access === 'public' && authorization === undefined && cookie === undefined) return null
  const actor = authenticate(request)
  if (typeof actor === 'string') return access === 'public' && authorization === undefined ? null : { code: actor }
  request.actor = actor
  if (access === 'public' || access === 'any' || actor.role === 'admin' || access.includes(actor.role)) return null
  return { code: 'forbidden', options: { extras: { required: access } } }
}

function handleError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  if (reply.sent) return
  const refusal = asProblem(error)
  if (refusal.code === 'internal')
    request.log.error(
      { request_id: request.id, method: request.method, url: request.url, err: error },
      'request failed',
    )
  else if (refusal.code === 'unavailable')
    request.log.warn({ request_id: request.id, err: error.message }, 'request could not be served')
  sendProblem(request, reply, refusal.code, refusal.options)
}

/** Framework and domain errors as refusals. Whatever is not listed is our mistake: 500, logged, nothing told. */
function asProblem(error: FastifyError): Denied {
  const part = (path: string, message: string): Denied => ({
    code: 'invalid-request',
    options: { detail: `${path} ${message}.`, extras: { errors: [{ path, message }] } },
  })
  if (error.validation) {
    const errors = fieldErrors(error.validation, error.validationContext ?? 'body')
    return {
      code: 'invalid-request',
      options: {
        detail: errors
          .map(e => `${e.path} ${e.message}`)
          .slice(0, 3)
          .join('; '),
        extras: { errors },
      },
    }
  }
  if (error instanceof RetryableFault)
    return { code: 'unavailable', options: { retryAfterSeconds: error.retryAfterSeconds } }
  if (error instanceof OutcomeUnknown) return { code: 'unavailable', options: { retryAfterSeconds: 2 } }
  if (error instanceof UnstorableText) return { code: 'invalid-request', options: { extras: { errors: error.errors } } }
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return part('body', 'is not valid JSON')
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return { code: 'body-too-large' }
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return { code: 'unsupported-media-type' }
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return { code: 'not-found' }
    default:
      return { code: 'internal', options: { detail: undefined } }
  }
}

class UnstorableText extends Error {
  readonly errors: { path: string; message: string }[]
  constructor(errors: { path: string; message: string }[]) {
    super('text that cannot be stored')
    this.errors = errors
  }
}

/** JSON without `__proto__` tricks, U+0000 or lone surrogates. */
function takeJson(app: HttpServer): void {
  app.removeContentTypeParser(['text/plain', 'application/json'])
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (_request, raw, done) => {
    let parsed: unknown
    try {
      parsed = secureJson.parse(raw, { protoAction: 'error', constructorAction: 'error' })
    } catch {
      return done(Object.assign(new Error('not JSON'), { code: 'FST_ERR_CTP_INVALID_JSON_BODY', statusCode: 400 }))
    }
    const errors = unstorableText(raw, parsed)
    done(errors.length > 0 ? new UnstorableText(errors) : null, parsed)
  })
}

/** A caller's own id if it is harmless in a log, otherwise one of ours. */
function requestId(request: { headers: Record<string, string | string[] | undefined> }, random: Random): string {
  const given = request.headers['x-request-id']
  if (typeof given === 'string' && /^[\w.-]{1,64}$/.test(given)) return given
  return random.bytes(9).toString('base64url')
}
