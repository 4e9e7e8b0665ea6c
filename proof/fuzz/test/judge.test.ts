import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import type { Attempt } from '../attempt.ts'
import type { Person } from '../cast.ts'
import { type OpenApi, readDocument } from '../document.ts'
import { watchingPrototypes } from '../fuzz-own-server.ts'
import { type FindingKind, judge } from '../judge.ts'
import type { Answer } from '../send.ts'

// The judge of the fuzz is shown what must never come, one thing at a time. Only the first answer is right.

const reservationId = 'rsv_01m81cwj4req28q4g000003zcp'
const problem = { type: 'string' }
const published: OpenApi = {
  paths: {
    '/v1/reservations/{reservation_id}': {
      get: {
        operationId: 'getReservation',
        security: [],
        responses: {
          200: {
            content: {
              'application/json': {
                schema: {
                  type: 'object',
                  required: ['reservation_id', 'created_at'],
                  properties: {
                    reservation_id: { type: 'string' },
                    created_at: { type: 'string', format: 'date-time' },
                  },
                },
              },
            },
          },
          404: { content: { 'application/problem+json': { schema: problem, examples: { 'not-found': {} } } } },
          401: { content: { 'application/problem+json': { schema: problem, examples: { unauthenticated: {} } } } },
          503: { content: { 'application/problem+json': { schema: problem, examples: { overloaded: {} } } } },
        },
      },
    },
  },
  components: {
    schemas: {},
    examples: Object.fromEntries(
      [
        ['not-found', 404],
        ['unauthenticated', 401],
        ['forbidden', 403],
        ['overloaded', 503],
        ['internal', 500],
      ].map(([code, status]) => [code, { value: problemOf(String(code), Number(status)) }]),
    ),
  },
}
const document = readDocument(published)
const [ada, ben] = ['ada', 'ben'].map(
  (name): Person => ({ name, role: 'guest', userId: `usr_${name}`, token: 't', mark: `hfz${name}` }),
) as [Person, Person]
const secrets = new Map([[reservationId, ada]])
const good = { reservation_id: reservationId, created_at: '2031-06-01T19:00:00.000Z' }

function attemptOf(person: Person | null, changes: Partial<Attempt> = {}): Attempt {
  return {
    index: 0,
    operation: document.operations[0]!,
    person,
    what: 'sound',
    method: 'GET',
    path: `/v1/reservations/${reservationId}`,
    headers: [],
    body: null,
    isSound: true,
    thing: { id: reservationId, owner: ada },
    hasAccess: false,
    isForged: false,
    isWrongBody: false,
    ...changes,
  }
}

function answerOf(
  status: number,
  body: unknown,
  type = status < 400 ? 'application/json' : 'application/problem+json',
) {
  const headers = { 'content-type': type, 'x-request-id': 'r', 'cache-control': 'private, no-store' }
  const more = {
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
    ...(status === 503 && { 'retry-after': '1' }),
  }
  return { status, headers: { ...headers, ...more }, body: Buffer.from(JSON.stringify(body)), ms: 5 } satisfies Answer
}

function problemOf(code: string, status: number): Record<string, unknown> {
  const title = `It is ${code}`
  return { type: `https://x/problems/${code}`, title, status, detail: 'What to do.', code, request_id: 'r' }
}

function kinds(attempt: Attempt, answer: Answer): FindingKind[] {
  return [...new Set(judge(attempt, answer, document, secrets).map(({ kind }) => kind))]
}

test('what is right is not found fault with', () => {
  assert.deepEqual(kinds(attemptOf(ada), answerOf(200, good)), [])
  assert.deepEqual(kinds(attemptOf(ben), answerOf(404, problemOf('not-found', 404))), [])
  assert.deepEqual(kinds(attemptOf(null), answerOf(401, problemOf('unauthenticated', 401))), [])
  assert.deepEqual(kinds(attemptOf(ada), answerOf(503, problemOf('overloaded', 503))), [])
})

test('an error of the server is seen, also as a 503 that nobody documented', () => {
  assert.ok(kinds(attemptOf(ada), answerOf(500, problemOf('internal', 500))).includes('server-error'))
  assert.ok(kinds(attemptOf(ada), answerOf(503, { message: 'x' })).includes('server-error'))
})

test('an answer that breaks off is seen, also after a documented status', () => {
  assert.deepEqual(kinds(attemptOf(ada), { ...answerOf(200, good), error: 'aborted' }), ['unanswered'])
})

test('a status, a code, a type, a member and a shape that are not documented are seen', () => {
  const undocumented: Answer[] = [
    answerOf(202, good),
    answerOf(403, problemOf('forbidden', 403)),
    answerOf(404, problemOf('unauthenticated', 404)),
    answerOf(404, problemOf('not-found', 404), 'application/json'),
    answerOf(404, { ...problemOf('not-found', 404), more: 1 }),
    answerOf(404, { ...problemOf('not-found', 404), request_id: 'another' }),
    answerOf(200, good, 'text/html'),
    answerOf(200, { ...good, created_at: 'yesterday' }),
    answerOf(200, { reservation_id: reservationId }),
    answerOf(200, { ...good, surprise: 1 }),
  ]
  for (const answer of undocumented)
    assert.ok(kinds(attemptOf(ada), answer).includes('undocumented'), `${answer.status} ${answer.body}`)
})

test('what belongs to somebody else is seen: an object that was opened, and a secret among other things', () => {
  assert.ok(kinds(attemptOf(ben), answerOf(200, good)).includes('foreign'))
  const elsewhere = { path: '/v1/reservations/rsv_01m81cwj4req28q4g000003zcq', thing: null }
  assert.ok(kinds(attemptOf(ben, elsewhere), answerOf(200, good)).includes('foreign'))
  assert.deepEqual(kinds(attemptOf({ ...ben, role: 'support' }), answerOf(200, good)), [])
})

test('rights are held against the table in both directions, and forged tokens open nothing', () => {
  assert.ok(kinds(attemptOf(null), answerOf(200, good)).includes('rights'))
  assert.ok(kinds(attemptOf(ada), answerOf(401, problemOf('unauthenticated', 401))).includes('rights'))
  assert.ok(kinds(attemptOf(ada, { isForged: true }), answerOf(200, good)).includes('rights'))
  assert.ok(kinds(attemptOf(ada), answerOf(404, problemOf('not-found', 404))).includes('rights'))
})

test('a stack, a statement, a wrong body that is taken, a late answer and none are seen', () => {
  const told = { ...problemOf('not-found', 404), detail: 'duplicate key value violates unique constraint' }
  assert.deepEqual(kinds(attemptOf(ada, { isSound: false }), answerOf(404, told)), ['internals'])
  assert.deepEqual(kinds(attemptOf(ada, { isWrongBody: true }), answerOf(200, good)), ['accepted'])
  assert.deepEqual(kinds(attemptOf(ada), { ...answerOf(200, good), ms: 11_000 }), ['slow'])
  assert.deepEqual(kinds(attemptOf(ada), { ...answerOf(200, good), status: 0 }), ['unanswered'])
})

test('a prototype that somebody adds to is seen, in the process itself', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-prototypes-'))
  after(() => rm(folder, { recursive: true }))
  const merge =
    "const into = (a, b) => { for (const k in b) typeof b[k] === 'object' ? into(a[k], b[k]) : (a[k] = b[k]) };"
  const told = async (body: string) => {
    const file = join(folder, body.length.toString())
    const code = `${merge} into({ a: 1 }, JSON.parse(process.argv[1]))`
    await promisify(execFile)(process.execPath, [watchingPrototypes(file), '--eval', code, body])
    return (await readFile(file, 'utf8')).trim().split('\n').slice(1).join()
  }
  assert.equal(await told('{"a":2}'), '')
  assert.match(await told('{"__proto__":{"polluted":"yes"}}'), /^Object\.prototype\.polluted/)
})
