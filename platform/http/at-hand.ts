import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { assert } from '#kernel/assert.ts'
import type { Clock } from '#kernel/clock.ts'
import type { Random } from '#kernel/random.ts'
import { type Cacheable, hasSame, headersOf } from './cacheable.ts'
import { requestId } from './request-id.ts'

/**
 * The answer to a public GET that is the same for everybody and lies in memory, by the one parameter of the route's address; null where it
 * does not, and the route's handler finds it, or says that there is none. `headers` are for the choice of an encoding.
 */
export type AtHand = (parameter: string, headers: IncomingHttpHeaders) => Cacheable | null

/** Answers, or leaves it to the framework. */
export type AnswerAtHand = (request: IncomingMessage, response: ServerResponse, parameter: string) => boolean

/** Headers with which a request is more than a look at what everybody sees: who sends it, or a body. */
const more = ['authorization', 'cookie', 'content-length', 'transfer-encoding'] as const

/**
 * Answers what is at hand before the framework: the same bytes at two thirds of the price. Whatever is out of the ordinary is left to the
 * framework, which gives the same answer.
 */
export function answerAtHand(
  atHand: AtHand,
  options: {
    clock: Clock
    random: Random
    /** Runs what writes the answer, together with others. */
    write: (response: ServerResponse, id: string, work: () => void) => void
    /** Whether requests are to be seen one by one, or to be the last of their connections. */
    isWatched: () => boolean
    record: (status: number, seconds: number) => void
  },
): AnswerAtHand {
  const { clock, random, write, isWatched, record } = options
  return (request, response, parameter) => {
    const { headers } = request
    if (isWatched() || /[%/?#;]/.test(parameter) || more.some(name => headers[name] !== undefined)) return false
    const startedAt = clock.monotonic()
    let answer: Cacheable | null
    try {
      answer = atHand(parameter, headers)
      assert(answer === null || Buffer.isBuffer(answer.body), 'what is at hand is made already')
    } catch {
      return false // the route meets it again, where it is told
    }
    if (answer === null) return false
    const isKept = hasSame(headers, answer)
    const status = isKept ? 304 : 200
    const id = requestId(request, random)
    const lines = ['x-request-id', id]
    for (const line of headersOf(answer, isKept)) lines.push(...line)
    const body = answer.body as Buffer
    if (!isKept) lines.push('content-length', String(body.length))
    write(response, id, () => {
      response.writeHead(status, lines).end(isKept ? undefined : body)
      record(status, (clock.monotonic() - startedAt) / 1000)
    })
    return true
  }
}
