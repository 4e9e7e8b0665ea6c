import assert from 'node:assert/strict'
import { createSecretKey, generateKeyPairSync, sign as signWith } from 'node:crypto'
import { suite, test } from 'node:test'
import { newId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { manualClock } from '#kernel/test/manual-clock.ts'
import { createAccessTokens } from '../tokens/access-token.ts'
import { forge, segment, testKey } from './tokens.ts'

const clock = manualClock()
const now = clock.now() / 1000
const key = testKey('k1')
const otherKey = testKey('k2', 9)
const tokens = createAccessTokens({ keys: [key], clock })
const userId = newId('usr', { clock, random: systemRandom() })
const header = { alg: 'HS256', typ: 'at+jwt', kid: 'k1' }
const claims = { iss: 'holdfast', aud: 'holdfast/api', sub: userId, role: 'guest', iat: now, exp: now + 600 }
const genuine = tokens.sign({ userId, role: 'guest' }, 0, 600)
const [h, p, s] = genuine.split('.') as [string, string, string]
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ed = generateKeyPairSync('ed25519')
const publicPem = createSecretKey(rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string, 'utf8')

const withHeader = (change: object) => forge(key, { ...header, ...change }, claims)
const withClaims = (change: object) => forge(key, header, { ...claims, ...change })
const signedBy = (alg: string, signer: typeof rsa.privateKey, digest: string | null) => {
  const signed = `${segment({ ...header, alg })}.${segment(claims)}`
  return `${signed}.${signWith(digest, Buffer.from(signed), signer).toString('base64url')}`
}
/** The last character of 32 bytes in base64url carries two bits that no byte has. */
const sameBytesOtherSpelling = (text: string) => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return text.slice(0, -1) + alphabet[alphabet.indexOf(text.at(-1)!) ^ 1]
}

const forgeries: Record<string, string> = {
  'an empty text': '',
  'a word': 'token',
  'two dots and nothing': '..',
  'no signature': `${h}.${p}`,
  'an empty signature': `${h}.${p}.`,
  'a fourth part': `${genuine}.${s}`,
  'a JWE of five parts': `${h}.${p}.${s}.${s}.${s}`,
  'a space before it': ` ${genuine}`,
  'a line break after it': `${genuine}\n`,
  'a NUL after it': `${genuine}\0`,
  'alg none without a signature': `${segment({ ...header, alg: 'none' })}.${p}.`,
  'alg None': `${segment({ ...header, alg: 'None' })}.${p}.`,
  'alg none with a right HMAC': withHeader({ alg: 'none' }),
  'alg NONE with the genuine signature': `${segment({ ...header, alg: 'NONE' })}.${p}.${s}`,
  'alg missing': forge(key, { typ: 'at+jwt', kid: 'k1' }, claims),
  'alg as a list': withHeader({ alg: ['HS256'] }),
  'alg in lower case': withHeader({ alg: 'hs256' }),
  HS384: forge(key, { ...header, alg: 'HS384' }, claims, 'sha384'),
  HS512: forge(key, { ...header, alg: 'HS512' }, claims, 'sha512'),
  'HS512 under a header that says HS256': forge(key, header, claims, 'sha512'),
  RS256: signedBy('RS256', rsa.privateKey, 'sha256'),
  'an RSA signature under a header that says HS256': signedBy('HS256', rsa.privateKey, 'sha256'),
  'HS256 with an RSA public key as the secret': forge({ kid: 'k1', secret: publicPem }, header, claims),
  EdDSA: signedBy('EdDSA', ed.privateKey, null),
  'a key of its own in jwk': withHeader({ jwk: { kty: 'oct', k: segment('attacker') } }),
  'a jku': withHeader({ jku: 'https://attacker.example/keys.json' }),
  'an x5u': withHeader({ x5u: 'https://attacker.example/cert.pem' }),
  'a crit header': withHeader({ crit: ['b64'], b64: false }),
  'typ JWT': withHeader({ typ: 'JWT' }),
  'typ missing': forge(key, { alg: 'HS256', kid: 'k1' }, claims),
  'an unknown kid': withHeader({ kid: 'k9' }),
  'kid missing': forge(key, { alg: 'HS256', typ: 'at+jwt' }, claims),
  'a kid that is a path': withHeader({ kid: '../../dev/null' }),
  'a kid that is SQL': withHeader({ kid: "k1' or '1'='1" }),
  'a kid that is a property of every object': withHeader({ kid: '__proto__' }),
  'our header in another order of members': forge(key, { typ: 'at+jwt', alg: 'HS256', kid: 'k1' }, claims),
  'a header with a member twice': forge(key, '{"alg":"none","alg":"HS256","typ":"at+jwt","kid":"k1"}', claims),
  'a header that is not JSON': forge(key, 'HS256', claims),
  'the key of another installation': forge({ ...otherKey, kid: 'k1' }, header, claims),
  'one bit of the signature changed': `${h}.${p}.${(s[0] === 'A' ? 'B' : 'A') + s.slice(1)}`,
  'a signature cut short': `${h}.${p}.${s.slice(0, -1)}`,
  'a signature with padding': `${h}.${p}.${s}=`,
  'the same signature in another spelling': `${h}.${p}.${sameBytesOtherSpelling(s)}`,
  'a signature of other characters': `${h}.${p}.${'š'.repeat(43)}`,
  'a role changed after signing': `${h}.${segment({ ...claims, role: 'admin', sv: 1 })}.${s}`,
  'the payload of another user': `${h}.${segment({ ...claims, sub: `usr_${'0'.repeat(26)}` })}.${s}`,
  'a payload with padding': `${h}.${p}=.${s}`,
  'a payload in the alphabet of plain base64': `${h}.+${p.slice(1)}.${s}`,
  'a payload that is not JSON': forge(key, header, 'claims'),
  'a payload that is a list': forge(key, header, [claims]),
  'a payload that is null': forge(key, header, 'null'),
  'another issuer': withClaims({ iss: 'https://attacker.example' }),
  'no issuer': withClaims({ iss: undefined }),
  'another audience': withClaims({ aud: 'holdfast/refresh' }),
  'a list of audiences': withClaims({ aud: ['holdfast/api'] }),
  'no subject': withClaims({ sub: undefined }),
  'the id of something else as subject': withClaims({ sub: userId.replace('usr_', 'rsv_') }),
  'a malformed subject': withClaims({ sub: 'usr_1' }),
  'no role': withClaims({ role: undefined }),
  'a role that does not exist': withClaims({ role: 'root', sv: 1 }),
  'a list of roles': withClaims({ role: ['admin'], sv: 1 }),
  'an account without a session version': withClaims({ role: 'admin' }),
  'an account with session version 0': withClaims({ role: 'admin', sv: 0 }),
  'a guest with a session version': withClaims({ sv: 1 }),
  'a session version as text': withClaims({ role: 'admin', sv: '1' }),
  expired: withClaims({ exp: now }),
  'no expiry': withClaims({ exp: undefined }),
  'an expiry as text': withClaims({ exp: String(now + 600) }),
  'an expiry that is a fraction': withClaims({ exp: now + 600.5 }),
  'an expiry of 1e400': forge(key, header, JSON.stringify(claims).replace(String(now + 600), '1e400')),
  'not yet valid': withClaims({ nbf: now + 120 }),
  'given in the future': withClaims({ iat: now + 120 }),
  'no time of issue': withClaims({ iat: undefined }),
  'a huge payload': withClaims({ note: 'x'.repeat(2000) }),
  'a megabyte of one letter': 'a'.repeat(1 << 20),
}

suite('a forged token is refused:', () => {
  for (const [name, token] of Object.entries(forgeries)) test(name, () => assert.equal(tokens.verify(token), null))
})

test('there are at least forty kinds of forgery', () => assert.ok(Object.keys(forgeries).length >= 40))

// Negative control: the forgeries fail for what they change, and not because `forge` makes nothing that could pass.
test('the same forge with nothing changed passes', () => {
  assert.deepEqual(tokens.verify(forge(key, header, claims))?.actor, { userId, role: 'guest' })
  assert.deepEqual(tokens.verify(withClaims({ role: 'admin', sv: 3 })), {
    actor: { userId, role: 'admin' },
    sessionVersion: 3,
    expiresAtMs: (now + 600) * 1000,
  })
})

test('a token ends to the second, also one that was verified before', () => {
  const clock = manualClock()
  const tokens = createAccessTokens({ keys: [key], clock })
  const token = tokens.sign({ userId, role: 'guest' }, 0, 600)
  clock.advance(599_999)
  assert.equal(tokens.verify(token)?.actor.userId, userId)
  assert.equal(tokens.verify(token)?.actor.userId, userId, 'from memory')
  clock.advance(1)
  assert.equal(tokens.verify(token), null)
})

test('a token of the previous key stays good while that key is listed, and no longer', () => {
  const rotated = createAccessTokens({ keys: [otherKey, key], clock })
  const dropped = createAccessTokens({ keys: [otherKey], clock })
  assert.equal(rotated.verify(genuine)?.actor.userId, userId)
  assert.equal(dropped.verify(genuine), null)
  assert.equal(tokens.verify(rotated.sign({ userId, role: 'guest' }, 0, 600)), null, 'the new key signs')
})
