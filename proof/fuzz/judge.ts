import type { Attempt } from './attempt.ts'
import type { Person } from './cast.ts'
import { type ApiDocument, type KnownCode, type Operation, operationAt } from './document.ts'
import { mayCall, maySeeForeign, type Role } from './rights.ts'
import type { Answer } from './send.ts'

/**
 * `server-error`: 5xx that is not a documented 503. `undocumented`: status, code, media type or shape that the document does not name.
 * `foreign`: what is somebody else's was told or changed. `rights`: allowed or refused against the table. `internals`: a stack, a
 * statement, a path of ours. `accepted`: success for a body that the document calls wrong. `slow`, `unanswered`, `polluted`.
 */
export const findingKinds = [
  'server-error',
  'undocumented',
  'foreign',
  'rights',
  'internals',
  'accepted',
  'slow',
  'unanswered',
  'polluted',
] as const
export type FindingKind = (typeof findingKinds)[number]
export type Complaint = { kind: FindingKind; expected: string }

/** Requests have a deadline of eight seconds. */
const slowMs = 10_000
const tellsInternals =
  /\bat (?:async )?[\w.<>]+ \(|node:internal|node_modules|\/(?:modules|platform|kernel|apps)\/[\w/-]+\.ts|syntax error at or near|duplicate key value|violates \w+(?: \w+)? constraint|invalid byte sequence|pg_catalog|holdfast\.\w+\(|SQLSTATE|ECONNREFUSED/
const secretForm = /(?:rsv|tkt|pay|rfd|usr)_[0-9a-hjkmnp-tv-z]{26}|pi_\w+_secret_\w+|hfz[0-9a-f]{12}/g
const authorizationCodes = new Set(['unauthenticated', 'invalid-token', 'forbidden', 'cross-site-request'])

// biome-ignore lint/suspicious/noExplicitAny: what comes over the wire
type Json = any

export function judge(
  attempt: Attempt,
  answer: Answer,
  { operations, codes }: ApiDocument,
  secrets: ReadonlyMap<string, Person>,
): Complaint[] {
  const complaints: Complaint[] = []
  const complain = (kind: FindingKind, expected: string) => void complaints.push({ kind, expected })
  const { status, headers } = answer
  if (status === 0) {
    complain('unanswered', `an answer (${answer.error})`)
    return complaints
  }
  if (answer.error !== undefined) complain('unanswered', `a whole answer (${answer.error})`)
  const text = answer.body.toString()
  const type = String(headers['content-type'] ?? '').split(';')[0]!
  const body: Json = /json$/.test(type) ? parsed(text) : null
  const operation = operationAt(operations, attempt.method, attempt.path.split('?', 1)[0]!)
  if (answer.ms > slowMs) complain('slow', 'an answer within the deadline')
  if (status >= 500 && !(status === 503 && codes.get(body?.code)?.status === 503))
    complain('server-error', 'no error of the server')
  if (tellsInternals.test(text)) complain('internals', 'no stack, statement or path of ours')
  if (headers['x-request-id'] === undefined) complain('undocumented', 'X-Request-Id')
  if (attempt.method === 'HEAD' || status === 304) return complaints
  if (status >= 400)
    for (const expected of wrongOfProblem(attempt, answer, type, body, codes)) complain('undocumented', expected)
  if (operation !== null)
    for (const expected of undocumented(operation, answer, type, body)) complain('undocumented', expected)
  for (const complaint of wrongOfRights(attempt, status, body, operation)) complaints.push(complaint)
  for (const secret of foreignSecrets(attempt, text, operation, secrets))
    complain('foreign', `not to be told ${secret}`)
  if (attempt.isWrongBody && status < 300 && operation !== null)
    complain('accepted', 'a refusal: the documented schema does not allow this body')
  return complaints
}

/** RFC 9457 as the contract has it, whatever the address. */
function* wrongOfProblem(
  { path }: Attempt,
  { status, headers }: Answer,
  type: string,
  body: Json,
  codes: Map<string, KnownCode>,
): Iterable<string> {
  if (type !== 'application/problem+json') return yield `application/problem+json, not ${type || 'nothing'}`
  const known = codes.get(body?.code)
  if (known === undefined) return yield `a known code, not ${body?.code}`
  if (known.status !== status || body.status !== status) yield `the status of ${body.code}, ${known.status}`
  if (body.title !== known.title) yield `the title of ${body.code}`
  if (typeof body.detail !== 'string' || body.detail.length < 5) yield `a detail, not ${JSON.stringify(body.detail)}`
  if (!String(body.type).endsWith(`/problems/${body.code}`)) yield `a type that leads to ${body.code}`
  if (body.request_id !== headers['x-request-id']) yield 'the request_id of X-Request-Id'
  const unknown = Object.keys(body).filter(name => !known.members.has(name))
  if (unknown.length > 0) yield `no members but those documented for ${body.code}: ${unknown}`
  if (body.code === 'invalid-request' && !(body.errors?.length > 0)) yield 'errors that say what is wrong'
  if ((status === 503 || status === 429) && !/^\d+$/.test(headers['retry-after'] ?? '')) yield 'Retry-After'
  if (status === 401 && headers['www-authenticate'] !== 'Bearer') yield 'WWW-Authenticate: Bearer'
  if (!/no-store/.test(headers['cache-control'] ?? '') && path !== '*') yield 'Cache-Control: private, no-store'
}

/** Status, code, type and shape are those that the operation names. */
function* undocumented(operation: Operation, { status, headers }: Answer, type: string, body: Json): Iterable<string> {
  const promised = operation.answers.get(status)
  if (promised === undefined) return yield `one of ${[...operation.answers.keys()].join(', ')}`
  if (status >= 400) {
    if (!promised.codes.has(body?.code)) yield `one of ${[...promised.codes].join(', ')}, not ${body?.code}`
    return
  }
  if (operation.isSecured && !/no-store/.test(headers['cache-control'] ?? '') && type !== 'text/event-stream')
    yield 'Cache-Control: private, no-store'
  if (promised.bodies.size === 0) return
  const validate = promised.bodies.get(type)
  if (validate === undefined) return yield `one of ${[...promised.bodies.keys()].join(', ')}, not ${type || 'nothing'}`
  if (validate === null || validate(body)) return
  const errors = (validate.errors ?? []).map(
    error => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`,
  )
  yield `the documented shape: ${[...new Set(errors)].slice(0, 4).join('; ')}`
}

function* wrongOfRights(
  attempt: Attempt,
  status: number,
  body: Json,
  operation: Operation | null,
): Iterable<Complaint> {
  if (operation === null || operation !== attempt.operation) return
  const { id } = operation
  const role: Role = attempt.person?.role ?? 'anonymous'
  const isAuthorization = authorizationCodes.has(body?.code)
  if (attempt.isForged) {
    if (![401, 403, 404].includes(status)) yield { kind: 'rights', expected: 'a refusal: nobody known asks here' }
    return
  }
  const isHeaderSpoilt = /^(cookie|authorization)/.test(attempt.what)
  const may = mayCall(id, role) || attempt.hasAccess
  // Where the text of an `access_url` does instead of a token, the shape of the query comes first.
  const isRefused = [401, 403, 404].includes(status) || (status === 400 && !operation.isSecured)
  if (!may && !isRefused) yield { kind: 'rights', expected: `401, 403 or 404: ${role} may not ${id}` }
  if (may && isAuthorization && !isHeaderSpoilt)
    yield { kind: 'rights', expected: `no ${body.code}: ${role} may ${id}` }
  const { thing } = attempt
  if (!may || thing === null || thing.owner === null) return
  const isOpen = thing.owner === attempt.person || maySeeForeign(id, role) || attempt.hasAccess
  if (!isOpen && (status < 400 || [409, 412, 422, 428].includes(status)))
    yield { kind: 'foreign', expected: `404: ${thing.id} is not of ${attempt.person?.name ?? 'anybody unknown'}` }
  const isThere = id !== 'printTickets' && id !== 'getAvailability'
  if (isOpen && attempt.isSound && status === 404 && isThere && thing.id.startsWith('rsv_'))
    yield { kind: 'rights', expected: `not 404: ${role} may see ${thing.id}` }
}

/** What came out and is neither the asker's nor open to their role, and did not come in with the request. */
function* foreignSecrets(
  attempt: Attempt,
  text: string,
  operation: Operation | null,
  secrets: ReadonlyMap<string, Person>,
): Iterable<string> {
  const { person } = attempt
  if (operation !== null && person !== null && maySeeForeign(operation.id, person.role)) return
  if (attempt.hasAccess) return
  const asked = () => `${attempt.path} ${attempt.body ?? ''} ${attempt.headers.join(' ')}`
  for (const [secret] of text.matchAll(secretForm)) {
    const owner = secrets.get(secret)
    if (owner !== undefined && owner !== person && !asked().includes(secret)) yield secret
  }
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
