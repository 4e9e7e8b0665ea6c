import type { FastifyError } from 'fastify'
import type { Clock } from '#kernel/clock.ts'
import { OutcomeUnknown, RetryableFault } from '#kernel/faults.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type Denied, invalid } from './problem.ts'
import { fieldErrors } from './validation.ts'

/** Which request a fault met. */
type Met = { id: string; method: string; url: string }

/**
 * The one place where what was thrown becomes a refusal. A bug has a line of its own; requests that could not be served are
 * counted in one line a second, because when the database goes there are thousands of them and each says the same.
 */
export function createFaultReader({ logger, clock }: { logger: Logger; clock: Clock }) {
  let untold = 0
  let toldAt = Number.NEGATIVE_INFINITY
  const tellUnserved = (error: Error) => {
    untold++
    if (clock.monotonic() - toldAt < 1000) return
    logger.warn({ err: error.message, requests: untold }, 'requests could not be served')
    untold = 0
    toldAt = clock.monotonic()
  }
  return (error: FastifyError, { id, method, url }: Met): Denied => {
    const denied = asProblem(error)
    if (denied.code === 'internal') logger.error({ request_id: id, method, url, err: error }, 'request failed')
    else if (denied.code === 'unavailable') tellUnserved(error)
    return denied
  }
}

/** Framework and domain errors as refusals. Whatever is not listed is our mistake: 500, logged, nothing told. */
function asProblem(error: FastifyError): Denied {
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
      return invalid([{ path: 'body', message: 'is not valid JSON' }])
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

/** A body with text that PostgreSQL cannot store. */
export class UnstorableText extends Error {
  readonly errors: { path: string; message: string }[]
  constructor(errors: { path: string; message: string }[]) {
    super('text that cannot be stored')
    this.errors = errors
  }
}
