import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { pino } from 'pino'
import { systemClock } from '#kernel/clock.ts'
import { parseId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { createHttpServer, type HttpServer } from '#platform/http/server.ts'
import { createIdempotency } from '#platform/idempotency/index.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { createIdentity, type Identity } from '../index.ts'
import { testKey } from './tokens.ts'

const password = 'correct horse battery staple'
const processes: { identity: Identity; app: HttpServer }[] = []
const database = await testDatabase()
const { identity, app } = await startProcess()
after(() => Promise.all(processes.map(({ identity, app }) => Promise.all([identity.stop(), app.close()]))))

const made = await identity.ensureAdministrator({ email: 'Admin@Example.org' })
const administrator = { email: made.email, password: made.password! }
let adminToken: string = (await post('/v1/auth/login', administrator)).json().access_token

/** As one server process would: its own memory, the shared database and key. */
async function startProcess() {
  const shared = { clock: systemClock, random: systemRandom(), logger: pino({ level: 'silent' }) }
  const metrics = createMetrics({ processMetrics: false })
  const publicUrl = () => 'http://localhost:3000'
  const identity = createIdentity({
    ...shared,
    db: database.db,
    keys: [testKey('k1')],
    publicUrl,
    idempotently: createIdempotency({ db: database.db }),
    metrics,
  })
  const app = createHttpServer({ ...shared, metrics, publicUrl, authenticate: identity.authenticate })
  identity.routes(app)
  app.get('/catalog', { config: { access: ['organizer'] } }, async request => request.actor)
  await identity.start()
  processes.push({ identity, app })
  return { identity, app }
}

function post(url: string, payload: object, headers: Record<string, string> = {}, on = app) {
  return on.inject({ method: 'POST', url, payload, headers })
}
function get(url: string, token: string, on = app) {
  return on.inject({ method: 'GET', url, headers: { authorization: `Bearer ${token}` } })
}
const asAdmin = (extra: Record<string, string> = {}) => ({ authorization: `Bearer ${adminToken}`, ...extra })
const patchRole = (userId: string, role: string) =>
  app.inject({ method: 'PATCH', url: `/v1/staff/${userId}`, payload: { role }, headers: asAdmin() })
async function countUsers(): Promise<number> {
  const { rows } = await database.db.query<{ n: number }>('select count(*)::int4 as n from holdfast.users')
  return rows[0]!.n
}
let addresses = 0
const newAddress = () => `fan-${++addresses}@example.org`

suite('guests', () => {
  test('anybody gets a token for a week, and nothing is written', async () => {
    const before = await countUsers()
    const answer = await post('/v1/auth/guest', {})
    const body = answer.json()
    assert.equal(answer.statusCode, 201)
    assert.deepEqual([body.token_type, body.expires_in], ['Bearer', 604_800])
    assert.equal(answer.headers['cache-control'], 'private, no-store')
    assert.notEqual(parseId('usr', body.user_id), null)
    assert.deepEqual((await get('/v1/me', body.access_token)).json(), { user_id: body.user_id, role: 'guest' })
    assert.equal(await countUsers(), before)
  })

  test('a guest may not do what staff do', async () => {
    const { accessToken } = identity.issueGuestToken()
    const answer = await post('/v1/staff', {}, { authorization: `Bearer ${accessToken}` })
    assert.equal(answer.statusCode, 403)
    assert.deepEqual(answer.json().required, ['admin'])
  })
})

suite('accounts', () => {
  test('who signs up is signed in, can log in, and finds what they said', async () => {
    const email = newAddress()
    const signup = await post('/v1/auth/signup', { email: ` ${email.toUpperCase()} `, password, name: ' Ann Miller ' })
    assert.equal(signup.statusCode, 201)
    assert.deepEqual(Object.keys(signup.json()).sort(), [
      'access_token',
      'expires_in',
      'refresh_token',
      'token_type',
      'user_id',
    ])
    const login = await post('/v1/auth/login', { email, password })
    assert.equal(login.statusCode, 200)
    const me = (await get('/v1/me', login.json().access_token)).json()
    assert.deepEqual(me, {
      user_id: signup.json().user_id,
      role: 'customer',
      email,
      name: 'Ann Miller',
      created_at: me.created_at,
    })
  })

  test('an address opens one account, also when twelve ask at once', async () => {
    const email = newAddress()
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        post('/v1/auth/signup', { email: i % 2 ? email : email.toUpperCase(), password, name: 'Ann' }),
      ),
    )
    assert.deepEqual(answers.map(answer => answer.statusCode).sort(), [201, ...Array(11).fill(409)])
    assert.ok(answers.every(answer => answer.statusCode === 201 || answer.json().code === 'email-taken'))
  })

  test('a wrong password and an unknown address get the same answer', async () => {
    const email = newAddress()
    await post('/v1/auth/signup', { email, password, name: 'Ann' })
    const bodyOf = async (payload: object) => {
      const answer = await post('/v1/auth/login', payload)
      const { request_id: _, ...body } = answer.json()
      return { status: answer.statusCode, body }
    }
    const wrong = await bodyOf({ email, password: 'wrong horse battery staple' })
    assert.equal(wrong.status, 401)
    assert.equal(wrong.body.code, 'invalid-credentials')
    assert.deepEqual(await bodyOf({ email: newAddress(), password }), wrong)
    assert.deepEqual(await bodyOf({ email: 'no address at all', password }), wrong)
  })

  // Alternating, so that the machine's mood hits both alike; the median of a ratio near 1, where skipping the hash gives 0.1.
  test('a wrong password and an unknown address take the same time', async () => {
    const ratios: number[] = []
    for (let i = 0; i < 9; i++) {
      const known = newAddress()
      await post('/v1/auth/signup', { email: known, password, name: 'Ann' })
      const timed = async (email: string) => {
        const start = performance.now()
        await post('/v1/auth/login', { email, password: 'wrong horse battery staple' })
        return performance.now() - start
      }
      ratios.push((await timed(newAddress())) / (await timed(known)))
    }
    const median = ratios.sort((a, b) => a - b)[4]!
    assert.ok(median > 0.5 && median < 2, `unknown / known = ${median}`)
  })

  test('the refresh token is kept as a digest only', async () => {
    const { refresh_token } = (await post('/v1/auth/signup', { email: newAddress(), password, name: 'Ann' })).json()
    const { rows } = await database.db.query<{ row: string }>(
      'select token_hash::text || user_id::text as row from holdfast.refresh_tokens',
    )
    assert.ok(rows.length > 0)
    const hex = Buffer.from(refresh_token, 'base64url').toString('hex')
    assert.ok(!rows.some(({ row }) => row.includes(hex) || row.includes(refresh_token)))
  })

  test('a password of older parameters is hashed anew when its owner logs in', async () => {
    const email = newAddress()
    const old = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
    await post('/v1/auth/signup', { email, password, name: 'Ann' })
    await database.db.query('update holdfast.users set password_hash = $2 where email = $1', [email, old])
    const stored = async () =>
      (
        await database.db.query<{ h: string }>('select password_hash as h from holdfast.users where email = $1', [
          email,
        ])
      ).rows[0]!.h
    await post('/v1/auth/login', { email, password: 'not it' })
    assert.equal(await stored(), old)
    assert.equal((await post('/v1/auth/login', { email, password: 'password' })).statusCode, 200)
    assert.match(await stored(), /m=19456,t=2,p=1/)
    assert.equal((await post('/v1/auth/login', { email, password: 'password' })).statusCode, 200)
  })

  const bad: [string, object, string[]][] = [
    ['nothing', {}, ['email', 'password', 'name']],
    ['an unknown field', { email: 'a@example.org', password, name: 'A', role: 'admin' }, ['role']],
    ['a short password', { email: 'a@example.org', password: 'fourteen chars', name: 'A' }, ['password']],
    ['a password of 257 characters', { email: 'a@example.org', password: 'x7!'.repeat(86), name: 'A' }, ['password']],
    ['an address without @', { email: 'a.example.org', password, name: 'A' }, ['email']],
    ['an address with a line break', { email: 'a@example.org\nbcc: b@example.org', password, name: 'A' }, ['email']],
    ['a name of spaces', { email: 'a@example.org', password, name: '   ' }, ['name']],
    ['a number as name', { email: 'a@example.org', password, name: 1 }, ['name']],
    ['a list as address', { email: ['a@example.org'], password, name: 'A' }, ['email']],
    ['U+0000 in the name', { email: 'a@example.org', password, name: 'A\0' }, ['name']],
  ]
  for (const [name, payload, paths] of bad)
    test(`a signup with ${name} is refused with the place`, async () => {
      const before = await countUsers()
      const answer = await post('/v1/auth/signup', payload)
      assert.equal(answer.statusCode, 400)
      assert.equal(answer.json().code, 'invalid-request')
      assert.deepEqual(
        answer
          .json()
          .errors.map((error: { path: string }) => error.path)
          .sort(),
        [...paths].sort(),
      )
      assert.equal(await countUsers(), before)
    })

  test('a password of 64 and of 256 characters is taken', async () => {
    for (const length of [64, 256]) {
      const long = 'a long sentence with many words, '.repeat(8).slice(0, length)
      assert.equal((await post('/v1/auth/signup', { email: newAddress(), password: long, name: 'A' })).statusCode, 201)
    }
  })

  test('guessing is told its limit, then when to come back', async () => {
    const payload = { email: newAddress(), password: 'wrong horse battery staple' }
    const first = await post('/v1/auth/login', payload)
    assert.equal(first.headers['ratelimit-policy'], '"login";q=10;w=600')
    assert.equal(first.headers.ratelimit, '"login";r=9;t=60')
    for (let i = 0; i < 9; i++) await post('/v1/auth/login', payload)
    const refused = await post('/v1/auth/login', payload)
    assert.equal(refused.statusCode, 429)
    assert.equal(refused.json().code, 'rate-limited')
    // Less what the guesses themselves took, on a busy machine a few seconds.
    assert.match(String(refused.headers['retry-after']), /^(60|5\d)$/)
  })
})

suite('staff', () => {
  const newStaff = (role: string, email = newAddress()) => ({ email, name: 'Olga', role, password })

  test('an administrator opens an account that may do what its role may', async () => {
    const made = await post('/v1/staff', newStaff('organizer'), asAdmin())
    assert.equal(made.statusCode, 201)
    assert.deepEqual(Object.keys(made.json()), ['user_id', 'email', 'name', 'role', 'created_at'])
    const { access_token } = (await post('/v1/auth/login', { email: made.json().email, password })).json()
    assert.deepEqual((await get('/catalog', access_token)).json(), { userId: made.json().user_id, role: 'organizer' })
    assert.equal(
      (await post('/v1/staff', newStaff('admin'), { authorization: `Bearer ${access_token}` })).statusCode,
      403,
    )
  })

  test('a repeated request with the same key makes one account and gets the same answer', async () => {
    const payload = newStaff('door')
    const first = await post('/v1/staff', payload, asAdmin({ 'idempotency-key': 'staff-1' }))
    const again = await post('/v1/staff', payload, asAdmin({ 'idempotency-key': 'staff-1' }))
    assert.equal(again.statusCode, 201)
    assert.equal(again.body, first.body)
    assert.equal(again.headers['idempotent-replayed'], 'true')
    assert.equal((await post('/v1/staff', payload, asAdmin())).statusCode, 409, 'without the key')
  })

  test('a role outside the table and a guest cannot be made', async () => {
    for (const role of ['guest', 'root'])
      assert.equal((await post('/v1/staff', newStaff(role), asAdmin())).statusCode, 400)
  })

  test('a change of role ends the sessions, here at once and in another process within 5 s', async () => {
    const other = await startProcess()
    const { user_id, email } = (await post('/v1/staff', newStaff('organizer'), asAdmin())).json()
    const { access_token } = (await post('/v1/auth/login', { email, password })).json()
    assert.equal((await get('/catalog', access_token, other.app)).statusCode, 200)

    const changed = await patchRole(user_id, 'support')
    assert.equal(changed.json().role, 'support')
    assert.equal((await get('/catalog', access_token)).json().code, 'invalid-token')
    const start = performance.now()
    while ((await get('/catalog', access_token, other.app)).statusCode === 200) {
      assert.ok(performance.now() - start < 5000, 'the session lives on in the other process')
      await new Promise(resolve => setTimeout(resolve, 20))
    }

    const anew = (await post('/v1/auth/login', { email, password })).json().access_token
    assert.equal((await get('/catalog', anew, other.app)).json().code, 'forbidden', 'the new session has the new role')
    assert.equal((await get('/v1/me', anew)).json().role, 'support')
  })

  // Negative control: it is the version that ends them, not the change of the column.
  test('a role changed past the version leaves the session alive', async () => {
    const { user_id, email } = (await post('/v1/staff', newStaff('organizer'), asAdmin())).json()
    const { access_token } = (await post('/v1/auth/login', { email, password })).json()
    await database.db.query(`update holdfast.users set role = 'support' where email = $1`, [email])
    assert.equal((await get('/catalog', access_token)).statusCode, 200)
    assert.equal((await patchRole(user_id, 'support')).statusCode, 200)
  })

  test('foreign, malformed and unknown ids are 404', async () => {
    for (const id of ['usr_1', 'evt_01jd0000000000000000000000', 'usr_01jd0000000000000000000000'])
      assert.equal((await patchRole(id, 'door')).statusCode, 404)
  })

  test('the last administrator keeps the role, and two cannot remove each other at once', async () => {
    const second = (await post('/v1/staff', newStaff('admin'), asAdmin())).json()
    const first = (await get('/v1/me', adminToken)).json()
    const answers = await Promise.all([patchRole(first.user_id, 'support'), patchRole(second.user_id, 'support')])
    assert.deepEqual(answers.map(answer => answer.statusCode).sort(), [200, 409])
    assert.equal(answers.find(answer => answer.statusCode === 409)!.json().code, 'last-administrator')
    await database.db.query(`update holdfast.users set role = 'admin' where email = $1`, [administrator.email])
    adminToken = (await post('/v1/auth/login', administrator)).json().access_token
  })
})

suite('the first administrator', () => {
  test('is made once, whoever asks again', async () => {
    assert.match(administrator.password, /^([0-9a-z]{4}-){5}[0-9a-z]{4}$/)
    const again = await identity.ensureAdministrator({ email: 'other@example.org', password })
    assert.deepEqual(again, { email: administrator.email, password: null })
    assert.equal((await post('/v1/auth/login', { email: 'other@example.org', password })).statusCode, 401)
  })

  test('is one also when four servers start at once, and takes over an address that somebody else opened', async () => {
    const email = newAddress()
    const seized = (await post('/v1/auth/signup', { email, password, name: 'Mallory' })).json()
    await database.db.query(`update holdfast.users set role = 'support' where role = 'admin'`)
    const made = await Promise.all(Array.from({ length: 4 }, () => identity.ensureAdministrator({ email })))
    assert.equal(made.filter(one => one.password !== null).length, 1)
    const login = (given: string) => post('/v1/auth/login', { email, password: given })
    assert.equal((await login(password)).statusCode, 401)
    const { access_token } = (await login(made.find(one => one.password !== null)!.password!)).json()
    assert.equal((await get('/v1/me', access_token)).json().role, 'admin')
    const other = await startProcess()
    assert.equal((await get('/v1/me', seized.access_token, other.app)).json().code, 'invalid-token')
  })
})
