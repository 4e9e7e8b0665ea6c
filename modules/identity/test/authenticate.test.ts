import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { manualClock } from '#kernel/test/manual-clock.ts'
import { createAccessTokens } from '../tokens/access-token.ts'
import { createAuthenticate } from '../tokens/authenticate.ts'
import { testKey } from './tokens.ts'

const clock = manualClock()
const tokens = createAccessTokens({ keys: [testKey('k1')], clock })
const userId = newId('usr', { clock, random: systemRandom() })
const actor = { userId, role: 'guest' } as const
const token = tokens.sign(actor, 0, 600)
const cookie = `theme=dark; __Host-holdfast=${token}; other=1`

function authenticate(request: { method?: string; headers: Record<string, string> }, stale = false, endedVersion = 0) {
  const ended = {
    includes: (_: unknown, version: number) => version < endedVersion,
    isStale: () => stale,
    add: () => {},
    start: async () => {},
    stop: async () => {},
  }
  const check = createAuthenticate({ tokens, ended, publicUrl: () => 'https://tickets.example.org' })
  return check({ method: 'GET', ...request })
}

test('a bearer token is taken, whatever the case of the scheme', () => {
  assert.deepEqual(authenticate({ headers: { authorization: `Bearer ${token}` } }), actor)
  assert.deepEqual(authenticate({ headers: { authorization: `bearer ${token}` } }), actor)
})

test('no token and another scheme are "unauthenticated", a bad token is "invalid-token"', () => {
  assert.equal(authenticate({ headers: {} }), 'unauthenticated')
  assert.equal(authenticate({ headers: { cookie: 'theme=dark' } }), 'unauthenticated')
  assert.equal(authenticate({ headers: { authorization: 'Basic YWRtaW46YWRtaW4=' } }), 'unauthenticated')
  assert.equal(authenticate({ headers: { authorization: `Bearer ${token}x` } }), 'invalid-token')
  assert.equal(authenticate({ headers: { authorization: `Bearer  ${token}` } }), 'invalid-token')
})

test('a bad bearer token is not made good by a cookie', () => {
  assert.equal(authenticate({ headers: { authorization: 'Bearer x', cookie } }), 'invalid-token')
})

test('a cookie suffices to read', () => {
  assert.deepEqual(authenticate({ headers: { cookie } }), actor)
  assert.equal(authenticate({ headers: { cookie: `holdfast=${token}` } }), 'unauthenticated', 'without the prefix')
})

const writing: [string, Record<string, string>, boolean][] = [
  ['from our own page', { 'sec-fetch-site': 'same-origin' }, true],
  ['from another site', { 'sec-fetch-site': 'cross-site' }, false],
  ['from a sibling host', { 'sec-fetch-site': 'same-site' }, false],
  ['from the address bar', { 'sec-fetch-site': 'none' }, false],
  [
    'from another site that claims our origin',
    { 'sec-fetch-site': 'cross-site', origin: 'https://tickets.example.org' },
    false,
  ],
  ['from an older browser on our page', { origin: 'https://tickets.example.org' }, true],
  ['from an older browser on another page', { origin: 'https://attacker.example' }, false],
  ['from our host without TLS', { origin: 'http://tickets.example.org' }, false],
  ['from a sandboxed frame', { origin: 'null' }, false],
  ['from nobody knows where', {}, false],
]
for (const [whence, headers, allowed] of writing)
  test(`a cookie ${allowed ? 'suffices' : 'does not suffice'} to write ${whence}`, () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      assert.deepEqual(
        authenticate({ method, headers: { cookie, ...headers } }),
        allowed ? actor : 'cross-site-request',
      )
  })

test('a bearer token writes from anywhere: no browser adds it by itself', () => {
  const headers = { authorization: `Bearer ${token}`, 'sec-fetch-site': 'cross-site' }
  assert.deepEqual(authenticate({ method: 'POST', headers }), actor)
})

test('a token from before its sessions were ended is refused, a later one is not', () => {
  const headers = { authorization: `Bearer ${tokens.sign({ userId, role: 'organizer' }, 2, 600)}` }
  assert.equal(authenticate({ headers }, false, 3), 'invalid-token')
  assert.deepEqual(authenticate({ headers }, false, 2), { userId, role: 'organizer' })
})

test('while ended sessions cannot be read, staff wait, customers and guests go on', () => {
  const as = (role: 'guest' | 'customer' | 'admin') => ({
    headers: { authorization: `Bearer ${tokens.sign({ userId, role }, role === 'guest' ? 0 : 1, 600)}` },
  })
  assert.equal(authenticate(as('admin'), true), 'unavailable')
  assert.deepEqual(authenticate(as('customer'), true), { userId, role: 'customer' })
  assert.deepEqual(authenticate(as('guest'), true), { userId, role: 'guest' })
})
