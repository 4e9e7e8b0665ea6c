import assert from 'node:assert/strict'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { type ProblemCode, problems } from '#contracts/problems.ts'

export type Answer = {
  status: number
  headers: IncomingHttpHeaders
  /** Parsed JSON; null where there is none. */
  // biome-ignore lint/suspicious/noExplicitAny: what the server answers is what a test looks at
  body: any
}

export type Question = {
  method?: string
  path: string
  token?: string | undefined
  key?: string | undefined
  headers?: Record<string, string>
  /** A string or bytes go out as they are, anything else as JSON. */
  body?: unknown
  agent?: Agent
}

const everyday = new Agent({ keepAlive: true, maxSockets: 64 })

/** Asks the server; rejects when the connection breaks before the whole answer has come. */
export function ask(
  url: string,
  { method = 'GET', path, token, key, headers, body, agent }: Question,
): Promise<Answer> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array
  const sent = body === undefined || isRaw ? (body as string | Uint8Array | undefined) : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}${path}`, {
      method,
      agent: agent ?? everyday,
      headers: {
        ...(sent !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(key !== undefined && { 'idempotency-key': key }),
        ...headers,
      },
    })
    outgoing.on('error', reject)
    outgoing.on('response', incoming => {
      const chunks: Buffer[] = []
      incoming.on('data', chunk => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        const isJson = /json/.test(incoming.headers['content-type'] ?? '')
        resolve({
          status: incoming.statusCode!,
          headers: incoming.headers,
          body: isJson && text !== '' ? JSON.parse(text) : null,
        })
      })
    })
    outgoing.end(sent)
  })
}

/** The answer is a refusal from the published table, complete: its code, or a failure that says what is wrong with it. */
export function refusalOf({ status, headers, body }: Answer, question = 'the request'): ProblemCode {
  const told = `${question} was answered ${status} ${JSON.stringify(body)}`
  assert.match(headers['content-type'] ?? '', /^application\/problem\+json/, told)
  assert.ok(Object.hasOwn(problems, body.code), told)
  const code = body.code as ProblemCode
  const { title } = problems[code]
  assert.equal(problems[code].status, status, told)
  assert.deepEqual({ status: body.status, title: body.title }, { status, title }, told)
  assert.ok(body.type.endsWith(`/problems/${code}`), told)
  assert.match(body.detail, /\w{2,}.*\s.*\w/s, `the detail is a sentence: ${told}`)
  assert.equal(body.request_id, headers['x-request-id'], told)
  if (status === 503 || status === 429) assert.match(headers['retry-after'] ?? '', /^\d+$/, told)
  if (code === 'invalid-request') assert.ok(body.errors.length > 0 && body.errors.every(hasPlace), told)
  return code
}

function hasPlace(error: { path?: unknown; message?: unknown }): boolean {
  return typeof error.path === 'string' && typeof error.message === 'string' && error.message.length > 3
}

/** Both, as one word: `201`, or `409 seats-unavailable`. */
export function wordOf(answer: Answer): string {
  return answer.status < 400 ? String(answer.status) : `${answer.status} ${refusalOf(answer)}`
}

export function tally(words: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}
