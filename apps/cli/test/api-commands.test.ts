import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, beforeEach, suite, test } from 'node:test'
import { holdfast } from './run.ts'

/** What the server was asked, and what it answers next on a path: the wire, so that the commands are seen from outside. */
type Asked = { method: string; path: string; headers: IncomingMessage['headers']; body: string }
type Answer = { status: number; body: object; headers?: Record<string, string> }
const asked: Asked[] = []
const answers = new Map<string, Answer[]>()
const server = createServer(async (request, response) => {
  const call = `${request.method} ${request.url}`
  asked.push({ method: request.method!, path: request.url!, headers: request.headers, body: await text(request) })
  const queue = answers.get(call) ?? []
  const {
    status,
    body,
    headers = {},
  } = (queue.length > 1 ? queue.shift() : queue[0]) ?? { status: 404, body: { detail: `nothing at ${call}` } }
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
})
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
after(() => {
  server.close()
  server.closeAllConnections()
})
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const folder = mkdtempSync(join(tmpdir(), 'holdfast-cli-'))
function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
function answer(call: string, ...given: Answer[]): void {
  answers.set(call, given)
}
const calls = () => asked.map(({ method, path }) => `${method} ${path}`)
const map = { seatmap_id: 'map_1', version: 1, seats: 2, areas: 0, warnings: [] }
const imported = { status: 201, body: map }
const plan = file('hall.json', '{"name":"Hall"}')

beforeEach(() => {
  asked.length = 0
  answers.clear()
  answer('POST /v1/auth/login', { status: 200, body: { access_token: 'from-login' } })
  answer('POST /v1/venues/ven_1/seatmaps', imported)
})

suite('signing in', () => {
  const run = (flags: string[], options = {}) =>
    holdfast(['import', plan, '--venue', 'ven_1', '--server', url, ...flags], options)
  const tokenUsed = () => asked.at(-1)!.headers.authorization

  test('as the administrator of the settings, when nothing is said', async () => {
    const env = { HOLDFAST_ADMIN_EMAIL: 'a@example.org', HOLDFAST_ADMIN_PASSWORD: 'a password of the settings' }
    assert.equal((await run([], { env })).code, 0)
    assert.deepEqual(JSON.parse(asked[0]!.body), { email: 'a@example.org', password: 'a password of the settings' })
    assert.equal(tokenUsed(), 'Bearer from-login')
  })

  test('as somebody else, with a password from a file or from standard input', async () => {
    const passwordFile = file('password', 'from a file\n')
    await run(['--email', 'b@example.org', '--password-file', passwordFile])
    assert.deepEqual(JSON.parse(asked[0]!.body), { email: 'b@example.org', password: 'from a file' })
    await run(['--email', 'b@example.org', '--password-file', '-'], { input: 'from input\n' })
    assert.equal(JSON.parse(asked[2]!.body).password, 'from input')
  })

  test('never sends the administrator’s password with another address', async () => {
    const env = { HOLDFAST_ADMIN_PASSWORD: 'a password of the settings' }
    const { code, stderr } = await run(['--email', 'b@example.org'], { env })
    assert.equal(code, 2)
    assert.match(stderr, /Password of b@example\.org cannot be asked for here/)
    assert.deepEqual(calls(), [])
  })

  test('with a token, from a flag or a file, without logging in', async () => {
    await run(['--token', 'given'])
    assert.equal(tokenUsed(), 'Bearer given')
    await run(['--token-file', file('token', 'in a file\n')])
    assert.equal(tokenUsed(), 'Bearer in a file')
    assert.deepEqual(new Set(calls()), new Set(['POST /v1/venues/ven_1/seatmaps']))
  })

  test('a refused login is told as the server says it', async () => {
    answer('POST /v1/auth/login', { status: 401, body: { detail: 'Check both.' } })
    const { code, stderr } = await run(['--password-file', file('password', 'x')])
    assert.equal(code, 1)
    assert.equal(stderr, 'holdfast: POST /v1/auth/login was answered with 401: Check both.\n')
  })

  test('a server that is not there is told with what to do', async () => {
    const gone = createServer()
    await new Promise<void>(resolve => gone.listen(0, '127.0.0.1', resolve))
    const place = `http://127.0.0.1:${(gone.address() as AddressInfo).port}`
    await new Promise(resolve => gone.close(resolve))
    const { code, stderr } = await holdfast(['audit', '--server', place, '--token', 'x'])
    assert.equal(code, 1)
    assert.match(stderr, /cannot be reached: nothing listens there\. Start it with `holdfast start`/)
  })

  test('a server that is not ours is told', async () => {
    const other = createServer((_request, response) => response.end('<html>'))
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    const place = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    const { stderr } = await holdfast(['audit', '--server', place, '--token', 'x'])
    assert.match(stderr, /the answer is not JSON; is this a Holdfast server\?/)
    other.close()
    other.closeAllConnections()
  })
})

suite('import', () => {
  const run = (...flags: string[]) => holdfast(['import', ...flags, '--server', url, '--token', 't'])

  test('sends the plan as it is and tells what it became', async () => {
    const { code, stdout } = await run(plan, '--venue', 'ven_1')
    assert.equal(code, 0)
    assert.equal(stdout, 'Seat map map_1 of venue ven_1: 2 seats, 0 areas, 0 warnings.\n')
    assert.deepEqual([asked[0]!.body, asked[0]!.headers['content-type']], ['{"name":"Hall"}', 'application/json'])
  })

  test('sends a manifest as CSV', async () => {
    await run(file('hall.csv', 'section,row'), '--venue', 'ven_1')
    assert.equal(asked[0]!.headers['content-type'], 'text/csv')
  })

  test('makes venue, seat map, event and sale in one go', async () => {
    answer('POST /v1/venues', { status: 201, body: { venue_id: 'ven_1', name: 'Hall', city: 'Bremen' } })
    answer('POST /v1/events', { status: 201, body: { event_id: 'evt_1', slug: 'concert', status: 'draft' } })
    answer('POST /v1/events/evt_1/onsale', { status: 200, body: {} })
    const event = file('event.json', '{"name":"Concert"}')
    const venue = ['--venue-name', 'Hall', '--city', 'Bremen', '--country', 'DE', '--timezone', 'Europe/Berlin']
    const { code, stdout, json } = await run(plan, ...venue, '--event', event, '--open', '--json')
    assert.equal(code, 0)
    assert.deepEqual(calls(), [
      'POST /v1/venues',
      'POST /v1/venues/ven_1/seatmaps',
      'POST /v1/events',
      'POST /v1/events/evt_1/onsale',
    ])
    assert.deepEqual(JSON.parse(asked[2]!.body), { name: 'Concert', venue_id: 'ven_1', seatmap_id: 'map_1' })
    assert.equal(stdout.trimEnd().split('\n').length, 1)
    assert.equal((json().event as { status: string }).status, 'onsale')
  })

  test('lists every error of the plan with its place', async () => {
    const errors = [
      { path: 'zones[0].rows[1].seats[2]', message: 'has no number' },
      { line: 7, message: 'names an unknown category' },
    ]
    answer('POST /v1/venues/ven_1/seatmaps', { status: 422, body: { detail: 'The plan has 2 errors.', errors } })
    const { code, stderr, json } = await run(plan, '--venue', 'ven_1', '--json')
    assert.equal(code, 1)
    assert.match(
      stderr,
      /422: The plan has 2 errors\.\n {2}- zones\[0\]\.rows\[1\]\.seats\[2\] has no number\n {2}- line 7 names an unknown category\n$/,
    )
    assert.equal((json().details as string[]).length, 2)
  })

  test('a plan that is refused leaves a new venue behind, and says how to go on with it', async () => {
    answer('POST /v1/venues', { status: 201, body: { venue_id: 'ven_1', name: 'Hall', city: 'Bremen' } })
    const errors = [{ path: 'zones', message: 'must be an array' }]
    const body = { title: 'The seating plan has errors', detail: '`errors` lists them.', errors }
    answer('POST /v1/venues/ven_1/seatmaps', { status: 422, body })
    const venue = ['--venue-name', 'Hall', '--city', 'Bremen', '--country', 'DE', '--timezone', 'Europe/Berlin']
    const { code, stderr } = await run(plan, ...venue)
    assert.equal(code, 1)
    assert.match(stderr, /^Venue ven_1: Hall, Bremen\nThe venue is there now: try again with --venue ven_1\n/)
    assert.match(stderr, /422: The seating plan has errors\n {2}- zones must be an array\n$/)
  })

  test('a busy server is asked again with the same Idempotency-Key', async () => {
    const busy = { status: 503, body: {}, headers: { 'retry-after': '0' } }
    answer('POST /v1/venues/ven_1/seatmaps', busy, busy, imported)
    assert.equal((await run(plan, '--venue', 'ven_1')).code, 0)
    assert.equal(asked.length, 3)
    assert.equal(new Set(asked.map(({ headers }) => headers['idempotency-key'])).size, 1)
  })

  test('a connection that breaks off is tried again', async () => {
    let broken = 0
    const flaky = createServer((request, response) => {
      if (broken++ === 0) return request.socket.destroy()
      response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(map))
    })
    await new Promise<void>(resolve => flaky.listen(0, '127.0.0.1', resolve))
    const place = `http://127.0.0.1:${(flaky.address() as AddressInfo).port}`
    assert.equal((await holdfast(['import', plan, '--venue', 'ven_1', '--server', place, '--token', 't'])).code, 0)
    assert.equal(broken, 2)
    flaky.close()
    flaky.closeAllConnections()
  })

  test('a server that stays busy is given up', async () => {
    answer('POST /v1/venues/ven_1/seatmaps', {
      status: 503,
      body: { detail: 'Busy.' },
      headers: { 'retry-after': '0' },
    })
    assert.match((await run(plan, '--venue', 'ven_1')).stderr, /answered with 503: Busy\./)
    assert.equal(asked.length, 4)
  })

  test('what is missing is told before anything is sent', async () => {
    assert.match((await run(plan)).stderr, /Say where the plan belongs/)
    assert.match(
      (await run(plan, '--venue-name', 'Hall', '--city', 'Bremen')).stderr,
      /A new venue also needs --country and --timezone/,
    )
    assert.match((await run(plan, '--venue', 'ven_1', '--open')).stderr, /--open needs an --event/)
    assert.match(
      (await run(plan, '--venue', 'ven_1', '--event', file('list.json', '[]'))).stderr,
      /does not hold a JSON object/,
    )
    assert.deepEqual(calls(), [])
  })
})

suite('audit', () => {
  const run = (...flags: string[]) => holdfast(['audit', ...flags, '--server', url, '--token', 't'])
  const clean = {
    capacity: 10,
    available: 7,
    held: 2,
    reserved: 0,
    sold: 1,
    blocked: 0,
    balanced: true,
    oversold: 0,
    discrepancies: [],
  }

  test('goes through all pages of events and balances', async () => {
    answer('GET /v1/events?limit=100', {
      status: 200,
      body: { items: [{ event_id: 'evt_1', name: 'One' }], next_cursor: 'c d' },
    })
    answer('GET /v1/events?limit=100&cursor=c%20d', {
      status: 200,
      body: { items: [{ event_id: 'evt_2', name: 'Two' }], next_cursor: null },
    })
    for (const id of ['evt_1', 'evt_2']) answer(`GET /v1/events/${id}/audit`, { status: 200, body: clean })
    const { code, stdout } = await run()
    assert.equal(code, 0)
    assert.match(stdout, /^One +10 +7 +2 +0 +1 +0 +0 +balanced$/m)
    assert.match(stdout, /2 events balance\.\n$/)
  })

  for (const wrong of [{ balanced: false }, { oversold: 1 }, { discrepancies: ['a sold seat without a ticket'] }])
    test(`exits with 1 on ${JSON.stringify(wrong)}`, async () => {
      answer('GET /v1/events/evt_1/audit', { status: 200, body: { ...clean, ...wrong } })
      const { code, stdout, json } = await run('evt_1', '--json')
      assert.equal(code, 1)
      assert.equal(json().clean, false)
      assert.equal(stdout.trimEnd().split('\n').length, 1)
      assert.match((await run('evt_1')).stdout, /WRONG\n\n1 of 1 events do not balance: evt_1\n$/)
    })
})
