import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CommandFailure } from '../failure.ts'

type Reply = { status: number; body: Record<string, unknown> }

/** The API of a running server, as a member of staff. */
export type Api = {
  get(path: string): Promise<Reply>
  post(path: string, body: object): Promise<Reply>
  /** A body that is sent as it is, such as a seating plan. */
  upload(path: string, body: string, contentType: string): Promise<Reply>
}

type Problem = {
  title?: string
  detail?: string
  code?: string
  errors?: { path?: string; line?: number; message: string }[]
}

const attemptsMax = 4

/**
 * Calls of one command. A write carries an Idempotency-Key, so that one whose answer was lost, or that met a busy server, is
 * simply sent again.
 */
export function createApi(server: string, token: string | null): Api {
  async function call(method: string, path: string, body?: string, contentType = 'application/json'): Promise<Reply> {
    const headers: Record<string, string> = {
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': contentType, 'idempotency-key': randomUUID() }),
    }
    for (let attempt = 1; ; attempt++) {
      const answer = await send(new URL(path, server), { method, headers, body })
      const wait = attempt < attemptsMax ? secondsToWait(answer) : null
      if (wait === null) return await read(answer, { method, path, server })
      await sleep(wait * 1000)
    }
  }
  return {
    get: path => call('GET', path),
    post: (path, body) => call('POST', path, JSON.stringify(body)),
    upload: (path, body, contentType) => call('POST', path, body, contentType),
  }
}

/** The answer, or the error of a connection that did not come about. */
async function send(url: URL, init: RequestInit): Promise<Response | Error> {
  try {
    return await fetch(url, init)
  } catch (error) {
    return error as Error
  }
}

/** Null when asking again would not help. */
function secondsToWait(answer: Response | Error): number | null {
  if (answer instanceof Error) return brokeOff.has(codeOf(answer)) ? 1 : null
  if (answer.status !== 503 && answer.status !== 429) return null
  const told = Number(answer.headers.get('retry-after') ?? 1)
  return told <= 30 ? told : null
}

/** A connection that was there and is gone: the server restarts, or the way to it does. */
const brokeOff = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'UND_ERR_SOCKET'])

function codeOf(error: Error): string {
  return String((error.cause as NodeJS.ErrnoException | undefined)?.code)
}

async function read(
  answer: Response | Error,
  { method, path, server }: { method: string; path: string; server: string },
): Promise<Reply> {
  if (answer instanceof Error) {
    const why =
      codeOf(answer) === 'ECONNREFUSED'
        ? 'nothing listens there'
        : String((answer.cause as Error | undefined)?.message ?? answer.message)
    throw new CommandFailure(
      `${server} cannot be reached: ${why}. Start it with \`holdfast start\`, or name another with --server.`,
      undefined,
      [],
      { cause: answer },
    )
  }
  const text = await answer.text()
  const body = parse(text)
  if (answer.ok && body !== null) return { status: answer.status, body }
  const { title, detail, errors = [] } = (body ?? {}) as Problem
  // Where places are listed below, advice that tells a program where to find them would only be in the way.
  const reasons = [title, errors.length > 0 && title !== undefined ? undefined : detail].filter(
    text => text !== undefined,
  )
  const said =
    body === null ? 'the answer is not JSON; is this a Holdfast server?' : reasons.join('. ') || 'no reason given'
  throw new CommandFailure(
    `${method} ${path} was answered with ${answer.status}: ${said}`,
    undefined,
    errors.map(({ path, line, message }) => `${line === undefined ? (path ?? '') : `line ${line}`} ${message}`.trim()),
  )
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = text === '' ? {} : JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}
