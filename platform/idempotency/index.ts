import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ProblemCode } from '#contracts/problems.ts'
import { assert } from '#kernel/assert.ts'
import { type ProblemOptions, sendProblem } from '../http/problem.ts'
import type { Database, Tx } from '../postgres/database.ts'
import { type BoundAnswer, bindAnswer, boundAnswer, lockKey } from './bound-answers.ts'
import { fingerprint, isKey } from './fingerprint.ts'

export { sweepBoundAnswers } from './bound-answers.ts'

/** What a staff write answers: a success, which binds the key, or a refusal, which undoes the transaction and leaves it free. */
export type Answer = {
  status: number
  body?: unknown
  headers?: Record<string, string>
  /** Called once the effect is durable, not on a replay; for what this process remembers of it. */
  afterCommit?: () => void
}
export type Denial = { problem: ProblemCode } & ProblemOptions

/**
 * Runs `work` in one transaction and answers the request with what it returns. With an `Idempotency-Key` the answer is
 * recorded in that same transaction, so that there is no moment at which one exists without the other: a client that lost the
 * answer, even to a crash between commit and reply, gets it by asking again.
 *
 * A copy that arrives while the first is under way waits for it. Another body under the key is refused.
 */
export type Idempotently = (
  request: FastifyRequest,
  reply: FastifyReply,
  work: (tx: Tx) => Promise<Answer | Denial>,
) => Promise<FastifyReply>

type UnderWay = { requestHash: Buffer; ended: Promise<unknown> }
type Outcome = (BoundAnswer & { replayed: boolean; afterCommit?: () => void }) | Denial

export function createIdempotency({ db }: { db: Database }): Idempotently {
  /** Copies that reach the same process wait here and not each on a connection of the small staff pool. */
  const underWay = new Map<string, UnderWay>()

  return async (request, reply, work) => {
    const key = request.headers['idempotency-key']
    if (key === undefined) return answer(request, reply, await once(db, work))
    if (!isKey(key)) return sendProblem(request, reply, 'invalid-request', badKey)
    assert(request.actor !== null, 'a route with staff writes asks for a token')

    const prints = fingerprint({
      userId: request.actor.userId,
      method: request.method,
      path: request.url.split('?', 1)[0]!,
      key: key as string,
      body: request.body,
    })
    const name = prints.keyHash.toString('base64')
    for (;;) {
      const first = underWay.get(name)
      if (first === undefined) break
      if (!first.requestHash.equals(prints.requestHash)) return sendProblem(request, reply, 'idempotency-key-reused')
      await first.ended
    }
    const outcome = onceForKey(db, prints, work)
    underWay.set(name, { requestHash: prints.requestHash, ended: outcome.catch(() => {}) })
    try {
      return answer(request, reply, await outcome)
    } finally {
      underWay.delete(name)
    }
  }
}

async function once(db: Database, work: (tx: Tx) => Promise<Answer | Denial>): Promise<Outcome> {
  return refusable(() => db.transaction(async tx => ({ ...accepted(await work(tx)), replayed: false })))
}

async function onceForKey(
  db: Database,
  { keyHash, requestHash }: { keyHash: Buffer; requestHash: Buffer },
  work: (tx: Tx) => Promise<Answer | Denial>,
): Promise<Outcome> {
  return refusable(() =>
    db.transaction(async tx => {
      await lockKey(tx, keyHash)
      const bound = await boundAnswer(tx, keyHash)
      if (bound !== null && !bound.requestHash.equals(requestHash))
        throw new Denied({ problem: 'idempotency-key-reused' })
      if (bound !== null) return { ...bound.answer, replayed: true }
      const made = accepted(await work(tx))
      await bindAnswer(tx, { keyHash, requestHash, answer: made })
      return { ...made, replayed: false }
    }),
  )
}

/** Carries a refusal out of the transaction, which thereby is rolled back: a refused write leaves nothing behind. */
class Denied extends Error {
  readonly denial: Denial
  constructor(denial: Denial) {
    super(denial.problem)
    this.denial = denial
  }
}

function accepted(result: Answer | Denial): BoundAnswer & { afterCommit?: () => void } {
  if ('problem' in result) throw new Denied(result)
  return { body: null, headers: {}, ...result }
}

async function refusable(transaction: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await transaction()
  } catch (error) {
    if (error instanceof Denied) return error.denial
    throw error
  }
}

function answer(request: FastifyRequest, reply: FastifyReply, outcome: Outcome): FastifyReply {
  if ('problem' in outcome) {
    const { problem, ...options } = outcome
    return reply.sent ? reply : sendProblem(request, reply, problem, options)
  }
  outcome.afterCommit?.()
  // The deadline may have answered in the meantime. The effect stands, and the key brings its answer.
  if (reply.sent) return reply
  reply.status(outcome.status).header('Cache-Control', 'private, no-store').headers(outcome.headers)
  if (outcome.replayed) reply.header('Idempotent-Replayed', 'true')
  return outcome.body === null ? reply.send() : reply.send(outcome.body)
}

const badKey = {
  detail: 'Idempotency-Key must be 1 to 255 printable ASCII characters.',
  extras: { errors: [{ path: 'Idempotency-Key', message: 'must be 1 to 255 printable ASCII characters' }] },
}
