import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { FastifyError, FastifyReply, FastifyRequest, preParsingHookHandler } from 'fastify'
import type { Actor } from '#contracts/actor.ts'
import type { Clock } from '#kernel/clock.ts'
import type { Random } from '#kernel/random.ts'
import type { Deadlines } from './deadline.ts'
import { type Answer, type Denied, problemAnswer, sendAnswer, sendProblem } from './problem.ts'
import { readJson } from './read-json.ts'
import { requestId } from './request-id.ts'

/** A request whose token and body are as they should be, whoever carries it. */
export type Question<Body> = {
  actor: Actor
  headers: IncomingHttpHeaders
  body: Body
  /** True once nobody waits for the answer any more. */
  isGone: () => boolean
}

/** What a route answers, whoever carries it. */
export type AnswerTo<Body> = (question: Question<Body>) => Promise<Answer | Denied>

/**
 * When a request is begun. Null: now. Otherwise resolves when there is room for it, and rejects when there will not be.
 */
export type Turn = (isGone: () => boolean) => Promise<void> | null

/** Answers, itself or by the framework. */
export type Direct = (request: IncomingMessage, response: ServerResponse, framework: RequestListener) => void

/** The framework's handler of a route that mostly does without it. */
export function byFramework<Body>(answerTo: AnswerTo<Body>) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const { actor, headers, body, socket } = request
    const answer = await answerTo({ actor: actor!, headers, body: body as Body, isGone: () => socket.destroyed })
    return 'code' in answer ? sendProblem(request, reply, answer.code, answer.options) : sendAnswer(reply, answer)
  }
}

/** Bodies that were read before the framework was asked. */
const readAlready = new WeakMap<IncomingMessage, Buffer>()

/** Has the framework read again what was read before it was asked. */
export const readAgain: preParsingHookHandler = (request, _reply, payload, done) => {
  const raw = readAlready.get(request.raw)
  done(null, raw === undefined ? payload : Readable.from([raw]))
}

const jsonTypes = new Set(['application/json', 'application/json; charset=utf-8', 'application/json;charset=utf-8'])

/**
 * Answers a POST without the framework: the same answer at three quarters of the price. It is for requests as they should be, with a bearer
 * token and a JSON body. All others are left to the framework, so that there is one place that says what is wrong with them.
 */
export function answerDirectly(
  answerTo: AnswerTo<never>,
  options: {
    clock: Clock
    random: Random
    deadlines: Deadlines
    bodyLimitBytes: number
    publicUrl: () => string
    authorize: (request: IncomingMessage) => Actor | Denied | null
    isBody: (value: unknown) => boolean
    turn: Turn | undefined
    readFault: (error: FastifyError, met: { id: string; method: string; url: string }) => Denied
    /** Runs what writes the answer, together with others. */
    write: (response: ServerResponse, id: string, work: () => void) => void
    /** Whether requests are to be seen one by one, or to be the last of their connections. */
    isWatched: () => boolean
    record: (status: number, seconds: number) => void
  },
): Direct {
  const { clock, random, deadlines, bodyLimitBytes, authorize, isBody, turn, readFault, write, isWatched, record } =
    options

  function isPlain({ headers }: IncomingMessage): boolean {
    const length = Number(headers['content-length'])
    return (
      headers.authorization !== undefined &&
      jsonTypes.has(headers['content-type']!) &&
      length > 0 &&
      length <= bodyLimitBytes
    )
  }

  function actorOf(request: IncomingMessage): Actor | null {
    try {
      const actor = authorize(request)
      return actor === null || 'code' in actor ? null : actor
    } catch {
      return null // the framework meets it again, where it is told
    }
  }

  function read(raw: Buffer): unknown {
    try {
      const body = readJson(raw.toString())
      return isBody(body) ? body : undefined
    } catch {
      return undefined // likewise
    }
  }

  return (request, response, framework) => {
    if (isWatched() || !isPlain(request)) return framework(request, response)
    const actor = actorOf(request)
    if (actor === null) return framework(request, response)
    const startedAt = clock.monotonic()
    const id = requestId(request, random)

    let isAnswered = false

    // Once: what comes after the deadline's answer is nobody's, as is what comes after its client has gone.
    const give = (answer: Answer | Denied): void => {
      if (isAnswered || response.destroyed) return
      const { status, headers, body } =
        'code' in answer ? problemAnswer(answer, { baseUrl: options.publicUrl(), requestId: id }) : answer
      const lines = ['x-request-id', id]
      for (const line of headers) lines.push(...line)
      lines.push('content-length', String(Buffer.byteLength(body)))
      isAnswered = true
      write(response, id, () => {
        response.writeHead(status, lines).end(body)
        record(status, (clock.monotonic() - startedAt) / 1000)
      })
    }
    const deadline = deadlines.watch(startedAt, give)

    const isGone = () => request.socket.destroyed
    const fail = (error: unknown) => {
      const { method, url } = request
      give(readFault(error as FastifyError, { id, method: method!, url: url! }))
      deadlines.forget(deadline)
    }

    function begin(): void {
      whenRead(request, raw => {
        if (isAnswered) return
        const body = read(raw)
        if (body === undefined) {
          deadlines.forget(deadline)
          readAlready.set(request, raw)
          return framework(request, response)
        }
        void answer(body as never)
      })
    }

    async function answer(body: never): Promise<void> {
      try {
        give(await answerTo({ actor: actor!, headers: request.headers, body, isGone }))
        deadlines.forget(deadline)
      } catch (error) {
        fail(error)
      }
    }

    const itsTurn = turn?.(isGone) ?? null
    if (itsTurn === null) begin()
    else itsTurn.then(begin, fail)
  }
}

/** Calls back with the whole body; never if it does not come whole. */
function whenRead(request: IncomingMessage, callback: (raw: Buffer) => void): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => callback(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
}
