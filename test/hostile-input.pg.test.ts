import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { problems } from '#contracts/problems.ts'
import { guestTokens, loadTokenKeys } from '#identity'
import { systemClock } from '#kernel/clock.ts'
import { newId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { type Answer, ask, type Question, refusalOf } from './harness/ask.ts'
import { bend } from './harness/bend.ts'
import { fingerprint } from './harness/fingerprint.ts'
import { numbers, planOf, seatId } from './harness/hall.ts'
import { hold, installation, newKey } from './harness/installation.ts'
import { assertPromised, type JsonSchema, type Operation, readOperations } from './harness/openapi.ts'

// Every route of /openapi.json is asked wrongly in every way that we could think of. The right refusal, never a 5xx, and
// afterwards the record is what it was, to the letter.

const random = systemRandom()
const box = await installation()
const { db } = box.database
const { url } = box.servers[0]!
const event = await box.createEvent(url, { hall: { rows: 4, seatsPerRow: 20, areas: { floor: 50 } } })
const { eventId } = event
const owner = box.newGuest()
const stranger = box.newGuest()
const held = (await hold(url, owner, { event_id: eventId, seat_ids: [seatId(1, 1), seatId(1, 2)] })).body
const login = { email: box.env.HOLDFAST_ADMIN_EMAIL!, password: box.env.HOLDFAST_ADMIN_PASSWORD! }
const admin = (await ask(url, { method: 'POST', path: '/v1/auth/login', body: login })).body as {
  access_token: string
  user_id: string
}
const operations = await readOperations(url)
const withBody = operations.filter(({ bodySchema }) => bodySchema !== null)
const before = await fingerprint(db)

/** A good body for every operation that takes one; only spoilt ones are ever sent. */
const goodBodies: Record<string, Record<string, unknown>> = {
  signUp: { email: 'new@example.org', password: 'a long enough password', name: 'New' },
  logIn: { email: 'nobody@example.org', password: 'a long enough password' },
  createStaff: { email: 'staff@example.org', password: 'a long enough password', name: 'Staff', role: 'support' },
  changeStaff: { role: 'support' },
  createVenue: { name: 'Hall', city: 'Bern', country: 'CH', timezone: 'Europe/Zurich' },
  createEvent: {
    venue_id: someId('ven'),
    seatmap_id: someId('map'),
    name: 'Evening',
    starts_at: '2031-06-01T19:00:00Z',
    currency: 'CHF',
    price_levels: [{ price_level: 'Front', name: 'Front', amount: 9000 }],
    ticket_limit: 4,
    hold_policy: { hold_seconds: 60, max_extensions: 1, single_seat_rule: 'allow' },
  },
  changeEvent: { name: 'Another evening', price_levels: [{ price_level: 'Front', amount: 1 }] },
  changeSale: { action: 'pause' },
  changeSeats: { select: { rows: [{ section: 'A', row: '3' }] }, set: { blocked: { reason: 'camera' } } },
  holdSeats: {
    event_id: eventId,
    seat_ids: [seatId(2, 1), seatId(2, 2)],
    areas: [{ area_id: 'floor', quantity: 1 }],
    replaces: someId('rsv'),
  },
  checkOut: { email: 'ada@example.org', name: 'Ada', return_url: 'https://example.org/back' },
  refundReservation: { reason: 'ill', tickets: [someId('tkt')] },
}

function someId(prefix: string): string {
  return newId(prefix, { clock: systemClock, random }, 1)
}

/** The path with good values in it. */
function pathOf({ id, path }: Operation): string {
  return `${path}${id === 'listSeats' ? '?section=A' : ''}`
    .replace('{event_id}', eventId)
    .replace('{reservation_id}', held.reservation_id)
    .replace('{user_id}', admin.user_id)
    .replace('{venue_id}', someId('ven'))
}

const goodPlan = planOf({ rows: 1, seatsPerRow: 2 })

/** A question that is right but for what is said last. Staff ask, so that no right is missing. */
function rightly(operation: Operation, wrong: Partial<Question>): Question {
  const headers = { ...(operation.id === 'changeEvent' && { 'if-match': '"1"' }), ...wrong.headers }
  const body = operation.id === 'importSeatMap' ? goodPlan : goodBodies[operation.id]
  return {
    method: operation.method,
    path: pathOf(operation),
    token: admin.access_token,
    key: newKey(),
    body,
    ...wrong,
    headers,
  }
}

async function refused(operation: Operation, question: Question, what: string): Promise<Answer> {
  const answer = await ask(url, question)
  const told = `${operation.id}, ${what}: ${answer.status} ${JSON.stringify(answer.body)}`
  assert.ok(answer.status >= 400 && answer.status < 500, told)
  refusalOf(answer, `${operation.id}, ${what}`)
  return answer
}

/** Some at a time; all of them, so that one list of failures tells everything. */
async function forEach<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const failures: unknown[] = []
  const queue = [...items].values()
  const worker = async () => {
    for (const item of queue) await work(item).catch(error => failures.push(error))
  }
  await Promise.all(numbers(16).map(worker))
  const told = failures.map(failure => (failure as Error).message.slice(0, 400))
  if (failures.length > 0) assert.fail(`${failures.length} failures:\n${told.slice(0, 25).join('\n')}`)
}

test('every operation that takes a body has a good one here to be spoilt', () => {
  assert.deepEqual(
    withBody.map(({ id }) => id).filter(id => id !== 'importSeatMap' && goodBodies[id] === undefined),
    [],
  )
})

test('forged, expired, unsigned and misspelt tokens are 401 on every route, also where none is needed', async () => {
  const tokens = await badTokens()
  const pairs = operations.flatMap(operation => Object.entries(tokens).map(pair => ({ operation, pair })))
  await forEach(pairs, async ({ operation, pair: [what, authorization] }) => {
    const question = rightly(operation, { token: undefined, headers: { authorization } })
    const answer = await refused(operation, question, what)
    assert.equal(answer.status, 401, `${operation.id}, ${what}`)
    assert.equal(answer.headers['www-authenticate'], 'Bearer')
  })
})

test('without a token, what needs one is 401 and says where to get one', async () => {
  await forEach(
    operations.filter(({ isSecured }) => isSecured),
    async operation => {
      const answer = await refused(operation, rightly(operation, { token: undefined }), 'no token')
      assert.equal(answer.body.code, 'unauthenticated')
      assert.match(answer.body.detail, /\/v1\/auth\/guest/)
      assertPromised(operation, answer)
    },
  )
})

test('a guest is told 403 and which roles may, wherever only staff may', async () => {
  const forStaff = operations.filter(({ problems }) => problems.has('forbidden'))
  assert.ok(forStaff.length >= 9, 'there are routes for staff')
  await forEach(forStaff, async operation => {
    const answer = await refused(operation, rightly(operation, { token: stranger.token }), 'as a guest')
    assert.equal(answer.body.code, 'forbidden', operation.id)
    assert.ok(answer.body.required.length > 0)
  })
})

test('what is not JSON, or not what JSON should say, is refused before anything is looked at', async () => {
  const bodies: Record<string, [body: string | Buffer, status: number, type?: string]> = {
    nothing: ['', 400],
    'half an object': ['{"event_id":', 400],
    'a trailing comma': ['{"a": 1,}', 400],
    'two objects': ['{} {}', 400],
    'single quotes': [`{'a': 1}`, 400],
    NaN: ['{"quantity": NaN}', 400],
    'a string': ['"event_id"', 400],
    null: ['null', 400],
    'a list': ['[]', 400],
    'a number': ['17', 400],
    'a byte order mark and nothing': ['\ufeff', 400],
    'nested 30,000 deep': ['['.repeat(30_000) + ']'.repeat(30_000), 400],
    'a prototype': ['{"__proto__": {"role": "admin"}}', 400],
    'a prototype further down': ['{"set": {"__proto__": {"available": true}}}', 400],
    'a constructor': ['{"constructor": {"prototype": {"role": "admin"}}}', 400],
    'bytes that are no text': [Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), 400],
    'more than 64 KB': [JSON.stringify({ event_id: 'x'.repeat(70_000) }), 413],
    'a form': ['event_id=1', 415, 'application/x-www-form-urlencoded'],
    'plain text': ['{}', 415, 'text/plain'],
    XML: ['<a/>', 415, 'application/xml'],
    'no type': ['{}', 415, ''],
  }
  const cases = withBody
    .filter(({ id }) => id !== 'importSeatMap')
    .flatMap(operation => Object.entries(bodies).map(([what, body]) => ({ operation, what, body })))
  await forEach(cases, async ({ operation, what, body: [body, status, type = 'application/json'] }) => {
    const answer = await refused(operation, rightly(operation, { body, headers: { 'content-type': type } }), what)
    assert.equal(answer.status, status, `${operation.id}, ${what}: ${JSON.stringify(answer.body)}`)
    assertPromised(operation, answer)
  })
})

test('every member of every body that is missing, unknown, of another type or out of bounds is 400, with its place', async () => {
  const ajv = new Ajv({ strict: false, coerceTypes: false })
  ;(addFormats as unknown as (ajv: Ajv) => void)(ajv)
  let sent = 0
  const cases = withBody
    .filter(({ id }) => goodBodies[id] !== undefined)
    .flatMap(operation => {
      const accepts = ajv.compile(operation.bodySchema as JsonSchema)
      assert.ok(accepts(goodBodies[operation.id]), `the good body of ${operation.id} is good`)
      return bend(goodBodies[operation.id])
        .filter(({ body }) => !accepts(body))
        .map(bent => ({ operation, ...bent }))
    })
  await forEach(cases, async ({ operation, body, what }) => {
    sent++
    const answer = await refused(operation, rightly(operation, { body }), what)
    assert.equal(answer.body.code, 'invalid-request', `${operation.id}, ${what}: ${JSON.stringify(answer.body)}`)
    assertPromised(operation, answer)
  })
  assert.ok(sent > 800, `${sent} spoilt bodies`)
})

test('text that the record cannot keep is 400, as a value and as a name', async () => {
  const escapes = ['\\u0000', 'a\\u0000b', '\\ud800', '\\udc00x', '\\ud83d\\ud83d']
  const cases = withBody
    .filter(({ id }) => goodBodies[id] !== undefined)
    .flatMap(operation => {
      const good = JSON.stringify(goodBodies[operation.id])
      const places = [...good.matchAll(/"([^"]*)"/g)]
      return escapes.flatMap(escaped =>
        places.map(({ index, 0: whole }) => ({
          operation,
          body: `${good.slice(0, index + 1)}${escaped}${good.slice(index + whole.length - 1)}`,
        })),
      )
    })
  await forEach(cases, async ({ operation, body }) => {
    const answer = await refused(operation, rightly(operation, { body }), body)
    assert.equal(answer.body.code, 'invalid-request', `${operation.id} ${body}: ${JSON.stringify(answer.body)}`)
  })
})

test('malformed, foreign and made-up ids are 404 on every route that takes one', async () => {
  const ids = [
    'x',
    '0',
    '-1',
    'null',
    'undefined',
    '%00',
    '%ff',
    '%',
    '%2e%2e',
    '..%2f..%2fetc%2fpasswd',
    "'%20or%201=1--",
    'rsv_',
    'evt_',
    'rsv_zzzzzzzzzzzzzzzzzzzzzzzzzz',
    'evt_ZZZZZZZZZZZZZZZZZZZZZZZZZZ',
    `rsv_${'7'.repeat(26)}`,
    'x'.repeat(299),
    'x'.repeat(2000),
    '%F0%9F%8E%AB',
    ...['evt', 'ven', 'map', 'rsv', 'usr', 'pay', 'tkt'].map(someId),
    held.reservation_id.toUpperCase(),
    `${held.reservation_id}0`,
    `${held.reservation_id}%20`,
    eventId.slice(0, -1),
  ]
  const cases = operations
    .filter(({ pathParameters }) => pathParameters.length > 0)
    .flatMap(operation => ids.map(id => ({ operation, id })))
  await forEach(cases, async ({ operation, id }) => {
    const path = pathOf({ ...operation, path: operation.path.replace(/\{[a-z_]+\}/, id) })
    const answer = await refused(operation, rightly(operation, { path }), id)
    assert.equal(answer.status, 404, `${operation.id} ${id}: ${JSON.stringify(answer.body)}`)
  })
})

test('what belongs to somebody else is not there, for a guest and for a customer', async () => {
  for (const method of ['GET', 'DELETE', 'POST'])
    for (const { token } of [stranger, box.newGuest()]) {
      const path = `/v1/reservations/${held.reservation_id}${method === 'POST' ? '/extend' : ''}`
      const answer = await ask(url, { method, path, token })
      assert.equal(answer.status, 404, `${method} ${path}`)
      const madeUp = await ask(url, { method, path: path.replace(held.reservation_id, someId('rsv')), token })
      const { request_id: _, ...one } = answer.body
      const { request_id: __, ...other } = madeUp.body
      assert.deepEqual(one, other, 'nobody can tell a foreign reservation from none')
    }
  const free = [seatId(3, 1), seatId(3, 2)]
  const replaced = await hold(url, stranger, { event_id: eventId, seat_ids: free, replaces: held.reservation_id })
  assert.equal(refusalOf(replaced), 'not-found')
  const list = await ask(url, { path: '/v1/me/reservations', token: stranger.token })
  assert.deepEqual(list.body, { items: [], next_cursor: null })
})

test('staff look at a reservation, and may not touch it', async () => {
  const path = `/v1/reservations/${held.reservation_id}`
  assert.equal((await ask(url, { path, token: admin.access_token })).status, 200)
  for (const [method, tail] of [
    ['DELETE', ''],
    ['POST', '/extend'],
  ] as const)
    assert.equal((await ask(url, { method, path: path + tail, token: admin.access_token })).status, 404)
})

test('queries that ask for nonsense are 400', async () => {
  const wrong: Record<string, string[]> = {
    limit: ['0', '-1', '101', 'x', '1.5', '1e3', '99999999999999999999', ''],
    cursor: ['x', '%00', 'evt_1', `${'A'.repeat(600)}`, 'eyJhIjoxfQ'],
    status: ['draft', 'x', ''],
    from: ['yesterday', '2031-13-01', '%00'],
    to: ['tomorrow', '2031-02-30', '0'],
    q: ['%00', 'x'.repeat(201)],
    city: ['%00', 'x'.repeat(201)],
    name: ['%00', 'x'.repeat(201)],
    minutes: ['0', '-1', 'x', '99999999999'],
  }
  const cases = operations.flatMap(operation =>
    operation.queryParameters.flatMap(name => (wrong[name] ?? []).map(value => ({ operation, name, value }))),
  )
  assert.ok(cases.length > 20)
  await forEach(cases, async ({ operation, name, value }) => {
    const path = `${pathOf(operation)}?${name}=${value}`
    const answer = await refused(operation, rightly(operation, { path }), `${name}=${value}`)
    assert.equal(
      answer.body.code,
      'invalid-request',
      `${operation.id} ${name}=${value}: ${JSON.stringify(answer.body)}`,
    )
    assertPromised(operation, answer)
  })
})

test('a hold that cannot be is refused for what is wrong with it', async () => {
  const base = { event_id: eventId }
  const pair = [seatId(2, 1), seatId(2, 2)]
  const place = { area_id: 'floor', quantity: 1 }
  const cases: [body: object, code: string][] = [
    [base, 'invalid-request'],
    [{ ...base, seat_ids: [pair[0], pair[0]] }, 'invalid-request'],
    [{ ...base, seat_ids: numbers(51).map(n => `X-${n}`) }, 'invalid-request'],
    [{ ...base, seat_ids: [] }, 'invalid-request'],
    [{ ...base, seat_ids: pair, best_available: { quantity: 2 } }, 'invalid-request'],
    [{ ...base, areas: [place], best_available: { quantity: 2 } }, 'invalid-request'],
    [{ ...base, areas: [place, place] }, 'invalid-request'],
    [{ ...base, areas: [{ ...place, quantity: -1 }] }, 'invalid-request'],
    [{ ...base, areas: [{ ...place, quantity: 0 }] }, 'invalid-request'],
    [{ ...base, areas: [{ ...place, quantity: 1e300 }] }, 'invalid-request'],
    [{ ...base, areas: [{ ...place, quantity: 2 ** 31 }] }, 'invalid-request'],
    [{ ...base, areas: [{ ...place, quantity: 0.5 }] }, 'invalid-request'],
    [{ ...base, best_available: { quantity: 51 } }, 'invalid-request'],
    [{ ...base, best_available: { quantity: 2, max_amount: -1 } }, 'invalid-request'],
    [{ ...base, best_available: { quantity: 2, max_amount: 0 } }, 'no-match'],
    [{ ...base, best_available: { quantity: 2, section: 'Z' } }, 'no-match'],
    [{ ...base, best_available: { quantity: 2, section: '__proto__' } }, 'no-match'],
    [{ ...base, best_available: { quantity: 2, price_level: 'toString' } }, 'no-match'],
    [{ ...base, best_available: { quantity: 2, accessible: true } }, 'no-match'],
    [{ ...base, best_available: { quantity: 50 } }, 'no-match'],
    [{ ...base, seat_ids: ['constructor'] }, 'unknown-seats'],
    [{ ...base, seat_ids: ['__proto__', 'A-9-9'] }, 'unknown-seats'],
    [{ ...base, seat_ids: [pair[0]!.toLowerCase()] }, 'unknown-seats'],
    [{ ...base, seat_ids: [` ${pair[0]}`] }, 'unknown-seats'],
    [{ ...base, areas: [{ area_id: 'hasOwnProperty', quantity: 1 }] }, 'unknown-areas'],
    [{ ...base, areas: [{ ...place, quantity: 11 }] }, 'ticket-limit-exceeded'],
    [{ ...base, seat_ids: pair, replaces: 'x' }, 'not-found'],
    [{ ...base, seat_ids: pair, replaces: someId('rsv') }, 'not-found'],
    [{ ...base, seat_ids: pair, replaces: eventId }, 'not-found'],
    [{ event_id: someId('evt'), seat_ids: pair }, 'event-not-found'],
    [{ event_id: held.reservation_id, seat_ids: pair }, 'event-not-found'],
    [{ event_id: 'constructor', seat_ids: pair }, 'event-not-found'],
  ]
  await forEach(cases, async ([body, code]) => {
    const answer = await hold(url, box.newGuest(), body)
    assert.equal(refusalOf(answer), code, `${JSON.stringify(body).slice(0, 200)}: ${JSON.stringify(answer.body)}`)
    assert.match(answer.headers['cache-control'] ?? '', /no-store/)
  })
})

test('a key that is none is 400', async () => {
  const body = { event_id: eventId, seat_ids: [seatId(2, 1), seatId(2, 2)] }
  const ask400 = async (headers: Record<string, string>) =>
    refusalOf(await ask(url, { method: 'POST', path: '/v1/reservations', token: stranger.token, body, headers }))
  assert.equal(await ask400({}), 'idempotency-key-required')
  assert.equal(await ask400({ 'idempotency-key': '' }), 'idempotency-key-required')
  assert.equal(await ask400({ 'idempotency-key': 'x'.repeat(256) }), 'invalid-request')
  assert.equal(await ask400({ 'idempotency-key': 'käse' }), 'invalid-request')
  assert.equal(await ask400({ 'idempotency-key': 'a\tb' }), 'invalid-request')
})

test('a seating plan that is none is refused as a whole', async () => {
  const venue = operations.find(({ id }) => id === 'importSeatMap')!
  const cases: [body: string, type: string, statuses: number[]][] = [
    ['', 'application/json', [400, 422]],
    ['{', 'application/json', [400]],
    ['[]', 'application/json', [422]],
    ['null', 'application/json', [422]],
    ['{}', 'application/json', [422]],
    ['{"__proto__": {}}', 'application/json', [400, 422]],
    ['{"zones": {"length": 1e9}}', 'application/json', [422]],
    [`{"name":"\\u0000","zones":[]}`, 'application/json', [400, 422]],
    ['['.repeat(100_000), 'application/json', [400]],
    ['section,row\n"', 'text/csv', [422]],
    ['', 'text/csv', [422]],
    ['\0\0\0', 'text/csv', [422]],
    ['<xml/>', 'application/xml', [415]],
  ]
  for (const [body, type, statuses] of cases) {
    const answer = await refused(venue, rightly(venue, { body, headers: { 'content-type': type } }), body.slice(0, 40))
    assert.ok(statuses.includes(answer.status), `${type} ${body.slice(0, 40)}: ${JSON.stringify(answer.body)}`)
  }
  const head = `POST ${pathOf(venue)} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${admin.access_token}`
  const tooMuch = `${head}\r\nContent-Type: text/csv\r\nContent-Length: ${33 * 2 ** 20}\r\nExpect: 100-continue\r\n\r\n`
  assert.match(await speak(tooMuch), /^HTTP\/1\.1 413 .*body-too-large/ms)
})

test('a method that an address does not take is refused, and HEAD and OPTIONS break nothing', async () => {
  const taken = new Map<string, Set<string>>()
  for (const { method, path } of operations) taken.set(path, (taken.get(path) ?? new Set()).add(method))
  const cases = operations.flatMap(operation =>
    ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']
      .filter(method => !taken.get(operation.path)!.has(method))
      .map(method => ({ operation, method })),
  )
  await forEach(cases, async ({ operation, method }) => {
    const { body: _, ...question } = rightly(operation, { method })
    // `/v1/events/{event_id}` has a sibling for each of these words.
    const answer = await refused(operation, question, method)
    assert.ok([404, 405].includes(answer.status), `${method} ${operation.path}: ${answer.status}`)
  })
})

test('what is hardly HTTP is told so as a problem, and everybody else is served', async () => {
  const wrong = [
    'BREW /v1/events HTTP/1.1\r\nHost: a\r\n\r\n',
    'POST /v1/reservations HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n',
    'POST /v1/reservations HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef',
    'POST /v1/reservations HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nzzz\r\n',
    'POST /v1/reservations HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n',
    `GET /v1/events HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`,
    `GET /${'a'.repeat(30_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    'GET /v1/events/%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    'GET //evil.example/v1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  ]
  for (const request of wrong) {
    const text = await speak(request)
    const told = `${request.slice(0, 60)}: ${text.slice(0, 500)}`
    assert.match(text, /^HTTP\/1\.1 4\d\d .*^content-type: application\/problem\+json/ims, told)
    // What follows the first answer is about the rest of the bytes.
    const { status, code, detail } = JSON.parse(text.split(/(?=HTTP\/1\.1 \d)/)[0]!.split('\r\n\r\n')[1]!)
    assert.equal(Number(text.slice(9, 12)), status, told)
    assert.ok(Object.hasOwn(problems, code) && detail.includes(' '), told)
  }
  assert.equal((await ask(url, { path: '/healthz' })).status, 200)
})

test('none of all this was an error of the server', async () => {
  const said = box.servers[0]!.said()
  assert.doesNotMatch(said, /"level":50|unhandled|Error:/i, said.slice(0, 2000))
})

test('and after all this the record is what it was', async () => {
  assert.deepEqual(await fingerprint(db), before)
  // Negative control: one hold is seen.
  await hold(url, box.newGuest(), { event_id: eventId, seat_ids: [seatId(4, 1), seatId(4, 2)] })
  const changed = Object.entries(await fingerprint(db)).filter(([table, print]) => print !== before[table])
  assert.deepEqual(
    changed.map(([table]) => table),
    ['outbox', 'reservations', 'seats'],
  )
})

/** Sends the bytes and reads until the other side closes, or has said nothing more for a while. */
function speak(bytes: string): Promise<string> {
  const { hostname: host, port } = new URL(url)
  return new Promise(resolve => {
    let text = ''
    const socket = connect({ host, port: Number(port) }, () => socket.write(bytes, 'latin1'))
    socket.setTimeout(300, () => socket.destroy())
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
  })
}

/** The header as it is sent, by what is wrong with it. */
async function badTokens(): Promise<Record<string, string>> {
  const of = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const secondsAgo = (seconds: number) => ({ ...systemClock, now: () => systemClock.now() - seconds * 1000 })
  const mint = (keys: typeof box.keys, clock = systemClock) => guestTokens({ keys, clock, random })().accessToken
  const foreignKeys = await loadTokenKeys({ secret: 'x'.repeat(40), folder: '/nowhere', clock: systemClock, random })
  const good = stranger.token
  const [header, claims, signature] = good.split('.') as [string, string, string]
  const said = JSON.parse(Buffer.from(claims, 'base64url').toString())
  const asAdmin = of({ ...said, role: 'admin', sv: 1 })
  const bearer = Object.entries({
    'an empty token': '',
    'one word': 'admin',
    'three dots': '...',
    'no signature': `${header}.${claims}.`,
    'no signature at all': `${header}.${claims}`,
    'alg none': `${of({ alg: 'none', typ: 'at+jwt' })}.${asAdmin}.`,
    'alg NoNe with a signature': `${of({ alg: 'NoNe', typ: 'JWT' })}.${asAdmin}.${signature}`,
    'alg RS256': `${of({ alg: 'RS256', typ: 'at+jwt' })}.${claims}.${signature}`,
    'a key of its own': `${of({ alg: 'HS256', typ: 'at+jwt', jwk: { kty: 'oct', k: 'AAAA' } })}.${claims}.${signature}`,
    'other claims below the same signature': `${header}.${asAdmin}.${signature}`,
    'a signature cut short': good.slice(0, -2),
    'a signature with one bit turned': `${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`,
    'a fourth part': `${good}.x`,
    'signed by a stranger': mint(foreignKeys),
    'ended a minute ago': mint(box.keys, secondsAgo(7 * 86_400 + 60)),
    'from tomorrow': mint(box.keys, secondsAgo(-86_400)),
    'two of them': `${good}, Bearer ${good}`,
    'a blank before': ` ${good}`,
    'ten thousand letters': 'A'.repeat(10_000),
  }).map(([what, token]) => [what, `Bearer ${token}`])
  return {
    ...Object.fromEntries(bearer),
    'no scheme': good,
    'another scheme': `Basic ${Buffer.from('admin:admin').toString('base64')}`,
    nothing: ' ',
  }
}
