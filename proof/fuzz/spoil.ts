import { createHmac } from 'node:crypto'
import type { Attempt } from './attempt.ts'
import type { Person } from './cast.ts'
import type { Chance } from './chance.ts'
import { edgesOf, placesOf, withAt } from './from-schema.ts'

export type SpoilPorts = {
  chance: Chance
  /** Ids of all kinds, of objects that there are. */
  someId: () => string
  people: readonly Person[]
}
type Spoil = (attempt: Attempt, ports: SpoilPorts) => Attempt

/** The body is at an edge of its schema, or one step beyond. */
export const toTheEdge: Spoil = (attempt, { chance }) => {
  const { bodySchema } = attempt.operation
  if (bodySchema === null || !isJson(attempt)) return spoilQuery(attempt, { chance })
  const body = JSON.parse(String(attempt.body))
  const place = chance.one(placesOf(body, bodySchema))
  const edge = chance.one(edgesOf(place.schema))
  return {
    ...attempt,
    body: JSON.stringify(withAt(body, place.path, edge)),
    isSound: false,
    what: `${place.path.join('.')} at an edge`,
  }
}

const texts = [
  "'; drop table seats; --",
  "' or 1=1 --",
  '<script>alert(1)</script>',
  '%s%s%n%x',
  '{{7*7}}',
  '../../etc/passwd',
  '\u202e\u0007\u200b',
  'I\u0307\u0131ß',
  'a\r\nX-Injected: yes',
  '\0',
  '\ud800',
  '\udfff\ud800',
  '=1+1',
  '-1',
  '1e309',
  'null',
  'x'.repeat(5000),
]
const numbers = [
  '1e400',
  '-1e400',
  '99999999999999999999999',
  '0.1',
  '-0',
  '1E2',
  '2147483648',
  '-2147483649',
  '9007199254740993',
]
const polluting = [
  '{"__proto__":{"polluted":"yes","email":"p@example.org","access_url":"x"}}',
  '{"constructor":{"prototype":{"polluted":"yes","status":"x"}}}',
  '{"a":{"__proto__":{"polluted":"yes"}}}',
  '{"\\u005f_proto__":{"polluted":"yes"}}',
  '[{"__proto__":{"polluted":"yes"}}]',
]
const names = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '$where',
  'surprise',
  '',
  ' ',
  'length',
  '0',
]

const bodySpoils: Spoil[] = [
  (attempt, { chance }) => {
    const body = JSON.parse(String(attempt.body))
    const place = chance.one(placesOf(body, attempt.operation.bodySchema ?? undefined))
    const wrong = chance.one<unknown>([null, [], {}, [[]], true, 0, -1, 1.5, '', ' ', ...texts, ...texts])
    return spoilt(attempt, `${place.path.join('.')} is ${JSON.stringify(wrong).slice(0, 60)}`, {
      body: JSON.stringify(withAt(body, place.path, wrong)),
    })
  },
  (attempt, { chance }) => {
    const body = JSON.parse(String(attempt.body))
    const objects = placesOf(body, undefined).filter(({ path }) => isObject(at(body, path)))
    if (objects.length === 0) return attempt
    const { path } = chance.one(objects)
    const name = chance.one(names)
    const value = chance.one<unknown>(['x', { polluted: 'yes' }, { prototype: { polluted: 'yes' } }, null])
    const more = `${JSON.stringify(name)}:${JSON.stringify(value)}`
    // By hand: a literal would lose `__proto__`.
    const inner = JSON.stringify(at(body, path))
    const put = inner === '{}' ? `{${more}}` : `${inner.slice(0, -1)},${more}}`
    const text =
      path.length === 0 ? put : JSON.stringify(withAt(body, path, 'PUT HERE')).replace('"PUT HERE"', () => put)
    return spoilt(attempt, `a member ${JSON.stringify(name)}`, { body: text })
  },
  (attempt, { chance }) => {
    const body = JSON.parse(String(attempt.body))
    const place = chance.one(placesOf(body, undefined))
    const number = chance.one(numbers)
    return spoilt(attempt, `a number ${number}`, {
      body: JSON.stringify(withAt(body, place.path, 'PUT HERE')).replace('"PUT HERE"', number),
    })
  },
  (attempt, { chance }) => spoilt(attempt, 'a prototype', { body: chance.one(polluting) }),
  (attempt, { chance }) => {
    const depth = chance.one([65, 500, 20_000])
    const [open, close] = chance.one([
      ['[', ']'],
      ['{"a":', '}'],
    ])
    return spoilt(attempt, `${depth} deep`, { body: `${open.repeat(depth)}1${close.repeat(depth)}`.slice(0, 200_000) })
  },
  (attempt, { chance }) => {
    const good = String(attempt.body)
    const cut = chance.between(0, good.length)
    const broken = chance.one([
      good.slice(0, cut),
      `${good}}`,
      `${good.slice(0, cut)}\u0001${good.slice(cut)}`,
      `\ufeff${good}`,
      '{a:1}',
      "{'a':1}",
      '',
      ' ',
      'NaN',
    ])
    return spoilt(attempt, 'JSON that is broken', { body: broken })
  },
  (attempt, { chance }) => {
    const size = chance.one([65_000, 65_537, 70_000, 70_000, 400_000])
    return spoilt(attempt, `${size} bytes`, { body: JSON.stringify({ padding: 'x'.repeat(size - 14) }) })
  },
  (attempt, { chance }) =>
    spoilt(attempt, 'bytes that are not UTF-8', {
      body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0xc0, chance.below(256), 0x22, 0x3a, 0x31, 0x7d]),
    }),
  (attempt, { chance }) => {
    const type = chance.one([
      'text/plain',
      'application/xml',
      'multipart/form-data',
      'application/x-www-form-urlencoded',
      '',
      'json',
      'application/json; charset=utf-16',
      'application/jsonx',
      'APPLICATION/JSON',
      'a/b/c',
      'text/csv',
    ])
    return spoilt(attempt, `content type ${type}`, { headers: replaced(attempt.headers, 'content-type', type) })
  },
  (attempt, { chance }) => {
    const body = JSON.parse(String(attempt.body)) as object
    if (!isObject(body) || Object.keys(body).length === 0) return attempt
    const { [chance.one(Object.keys(body)) as never]: _, ...without } = body
    return spoilt(attempt, 'a member is missing', { body: JSON.stringify(without) })
  },
]

const spoilId: Spoil = (attempt, { chance, someId }) => {
  const places = attempt.operation.path.split('/').flatMap((step, i) => (step.startsWith('{') ? [i] : []))
  if (places.length === 0) return spoilQuery(attempt, { chance })
  const [path, query] = attempt.path.split('?') as [string, string?]
  const good = path.split('/')[places[0]!]!
  const id = chance.one([
    someId(),
    someId(),
    good.toUpperCase(),
    `${good}0`,
    good.slice(0, -1),
    `${good}%20`,
    `${good}%00`,
    '%00',
    '%ff',
    '%',
    '%zz',
    '%2e%2e',
    '..%2f..%2fetc%2fpasswd',
    '%F0%9F%8E%AB',
    "'%20or%201=1--",
    '-1',
    'null',
    '__proto__',
    'constructor',
    'x'.repeat(299),
    'x'.repeat(301),
    `rsv_${'7'.repeat(26)}`,
    `rsv_${'z'.repeat(26)}`,
    'evt_',
    ';',
    '*',
    '%25',
    '%2F',
    '%3F',
    '%23',
  ])
  if (id === good) return attempt
  const steps = path.split('/').with(places[0]!, id).join('/')
  return spoilt(attempt, `the id ${id.slice(0, 40)}`, {
    path: query === undefined ? steps : `${steps}?${query}`,
    thing: null,
    hasAccess: false,
  })
}

const values = [
  '',
  '0',
  '-1',
  '101',
  '1.5',
  '1e3',
  'x',
  '%00',
  '%ff',
  '%',
  '99999999999999999999',
  'null',
  '%F0%9F%8E%AB',
  "'",
  '[]',
  '__proto__',
  '2031-02-30',
  '%ED%A0%80',
]

function spoilQuery(attempt: Attempt, { chance }: Pick<SpoilPorts, 'chance'>): Attempt {
  const queries = attempt.operation.parameters.filter(parameter => parameter.in === 'query')
  const name =
    queries.length > 0 && chance.is(0.8)
      ? chance.one(queries).name
      : chance.one(['surprise', '__proto__', 'constructor', 'access', 'limit[]', 'limit[__proto__]', ''])
  const value = chance.is(0.1) ? 'x'.repeat(chance.one([101, 501, 3000])) : chance.one(values)
  const more = chance.is(0.2) ? `${name}=${value}&${name}=${chance.one(values)}` : `${name}=${value}`
  const path = `${attempt.path}${attempt.path.includes('?') ? '&' : '?'}${more}`
  return spoilt(attempt, `the query ${more.slice(0, 60)}`, { path, hasAccess: false })
}

const spoilHeader: Spoil = (attempt, { chance }) => {
  const [name, value] = chance.one([
    ['idempotency-key', ''],
    ['idempotency-key', 'x'.repeat(256)],
    ['idempotency-key', 'k\xe4se'],
    ['idempotency-key', 'a\tb'],
    ['if-match', '*'],
    ['if-match', 'W/"1"'],
    ['if-match', '"9999999999999999999999"'],
    ['if-match', 'x'],
    ['if-none-match', '*'],
    ['if-none-match', `"${'x'.repeat(500)}"`],
    ['range', 'bytes=0-10,20-'],
    ['accept', 'application/xml;q=zzz'],
    ['accept-encoding', ';q=,*,zstd;q=0,br'],
    ['last-event-id', '%00x'],
    ['x-request-id', "'; drop table seats; --"],
    ['x-forwarded-for', 'not-an-address, ::::, 10.0.0.1'],
    ['x-forwarded-host', 'evil.example'],
    ['cookie', '__Host-holdfast=x; __proto__=y; =;;'],
    ['origin', 'https://evil.example'],
    ['traceparent', '00-zz'],
    ['x-http-method-override', 'DELETE'],
    ['content-encoding', 'gzip'],
    ['expect', '100-continue'],
    ['stripe-signature', 't=1,v1=00'],
    ['x-huge', 'y'.repeat(9000)],
  ] as const)
  return spoilt(attempt, `${name}: ${value.slice(0, 30)}`, {
    headers: [...attempt.headers.filter(([known]) => known !== name || chance.is(0.3)), [name, value]],
  })
}

const spoilMethod: Spoil = (attempt, { chance }) => {
  const method = chance.one(
    ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'HEAD', 'POST', 'GET', 'PROPFIND'].filter(
      name => name !== attempt.method,
    ),
  )
  return spoilt(attempt, `method ${method}`, { method, thing: null, hasAccess: false })
}

/** Tokens that are none: forged, unsigned, signed by somebody else, cut, and from those who ended. */
const spoilToken: Spoil = (attempt, { chance, people }) => {
  const { token } = chance.one(people)
  const [header, claims, signature] = token.split('.') as [string, string, string]
  const of = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const said = JSON.parse(Buffer.from(claims, 'base64url').toString())
  // Later by a second, so that an administrator's own is forged as well.
  const asAdmin = of({ ...said, role: 'admin', sv: 1, exp: said.exp + 1 })
  const signed = (text: string, key: string) => `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
  const forged = chance.one([
    `${of({ alg: 'none', typ: 'at+jwt' })}.${asAdmin}.`,
    `${header}.${asAdmin}.${signature}`,
    `${header}.${claims}.`,
    `${header}.${claims}`,
    signed(`${header}.${asAdmin}`, 'secret'),
    signed(`${header}.${of({ ...said, exp: 1 })}`, ''),
    `${of({ alg: 'HS256', typ: 'at+jwt', jwk: { kty: 'oct', k: 'AAAA' } })}.${asAdmin}.${signature}`,
    `${of({ alg: 'HS256', typ: 'at+jwt', kid: '../../dev/null' })}.${asAdmin}.${signature}`,
    token.slice(0, -2),
    `${token}.x`,
    'admin',
    '...',
    'A'.repeat(3000),
  ])
  const value = chance.one([
    `Bearer ${forged}`,
    `Bearer ${forged}`,
    `Bearer ${forged}`,
    token,
    `Basic ${of({ a: 1 })}`,
    `Bearer ${token}, Bearer ${token}`,
  ])
  return spoilt(attempt, 'a token that is none', {
    headers: replaced(attempt.headers, 'authorization', value),
    isForged: true,
    hasAccess: false,
  })
}

/** The cookie of a browser that another site's page makes it send. */
const fromAnotherSite: Spoil = attempt => {
  const { operation, person, headers } = attempt
  const isRefused = operation.isSecured && operation.method !== 'GET' && person !== null
  if (!isRefused) return attempt
  const others = headers.filter(([name]) => name !== 'authorization')
  const cookie = [['cookie', `__Host-holdfast=${person.token}`] as const, ['origin', 'https://evil.example'] as const]
  return spoilt(attempt, 'a cookie, sent by the page of another site', {
    headers: [...others, ...cookie],
    isForged: true,
    hasAccess: false,
  })
}

/** Something about the request is wrong, or nearly. */
export const spoil: Spoil = (attempt, ports) => {
  const { chance } = ports
  const draw = chance.below(100)
  if (isJson(attempt) && draw < 50) return chance.one(bodySpoils)(attempt, ports)
  if (!isJson(attempt) && draw < 6) return withUnaskedBody(attempt, ports)
  if (draw < 66) return spoilId(attempt, ports)
  if (draw < 76) return spoilQuery(attempt, ports)
  if (draw < 86) return spoilHeader(attempt, ports)
  if (draw < 91) return spoilMethod(attempt, ports)
  if (draw < 93) return fromAnotherSite(attempt, ports)
  return spoilToken(attempt, ports)
}

const withUnaskedBody: Spoil = (attempt, { chance }) =>
  spoilt(attempt, 'a body that nobody asked for', {
    body: chance.one([...polluting, '{', 'x'.repeat(70_000), '[]']),
    headers: replaced(
      attempt.headers,
      'content-type',
      chance.one(['application/json', 'text/plain', 'application/xml']),
    ),
  })

function isJson({ body, headers }: Attempt): boolean {
  return body !== null && headers.some(([name, value]) => name === 'content-type' && value === 'application/json')
}

function spoilt(attempt: Attempt, what: string, changes: Partial<Attempt>): Attempt {
  return { ...attempt, ...changes, what, isSound: false }
}

function replaced(headers: Attempt['headers'], name: string, value: string): Attempt['headers'] {
  return [...headers.filter(([known]) => known !== name), [name, value]]
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function at(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce((inner, step) => (inner as Record<string | number, unknown>)[step], value)
}
