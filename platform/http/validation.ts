import { Ajv, type ErrorObject, type FuncKeywordDefinition, type SchemaValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifySchemaCompiler } from 'fastify'
import { assert } from '#kernel/assert.ts'

export type FieldError = { path: string; message: string }

// JSON has types, so a body is taken as it is; a query string has only text, so numbers and flags in it are read from text.
const strict = new Ajv({
  allErrors: true,
  // For the description of what is wrong.
  verbose: true,
  coerceTypes: false,
  useDefaults: true,
  removeAdditional: false,
  strict: false,
})
const fromText = new Ajv({
  allErrors: true,
  verbose: true,
  coerceTypes: 'array',
  useDefaults: true,
  removeAdditional: false,
  strict: false,
})
for (const ajv of [strict, fromText]) {
  ;(addFormats as unknown as (ajv: Ajv) => void)(ajv)
  ajv.removeKeyword('uniqueItems').addKeyword(uniqueItems())
}

export const validatorCompiler: FastifySchemaCompiler<object> = ({ schema, httpPart }) =>
  (httpPart === 'body' ? strict : fromText).compile(schema as object)

/**
 * `uniqueItems` for lists of text or numbers. The library's own gives an object a member for each entry, and an object that has had members by
 * thousands of names is slow to make: with the seats of a house it was a twentieth of an attempt.
 */
function uniqueItems(): FuncKeywordDefinition {
  const compile: FuncKeywordDefinition['compile'] = (isUnique: boolean, { items }) => {
    const isOurs = ['string', 'number', 'integer'].includes(items?.type)
    const isOfSchemas = items === true || items?.$ref === '#/definitions/simpleTypes' // the library's schema of schemas
    assert(isOurs || isOfSchemas, 'uniqueItems is for lists of text or numbers: it does not look into entries')
    const validate: SchemaValidateFunction = (list: unknown[]) => {
      if (!isUnique || new Set(list).size === list.length) return true
      validate.errors = [{ keyword: 'uniqueItems', params: firstTwice(list) }]
      return false
    }
    return validate
  }
  return { keyword: 'uniqueItems', type: 'array', schemaType: 'boolean', compile, errors: true }
}

/** The places of the first entry that stands there twice. */
function firstTwice(list: readonly unknown[]): { i: number; j: number } {
  const places = new Map<unknown, number>()
  const j = list.findIndex((entry, at) => places.has(entry) || !places.set(entry, at))
  return { i: places.get(list[j])!, j }
}

/** Every place that is wrong, with what would be right, in the notation of the request: `seat_ids[3]`. */
export function fieldErrors(errors: readonly Partial<ErrorObject>[], part: string): FieldError[] {
  const seen = new Set<string>()
  const result: FieldError[] = []
  const nullable = new Set(errors.filter(isAboutNullable).map(error => error.instancePath))
  for (const error of errors) {
    if (nullable.has(error.instancePath) && (isAboutNullable(error) || error.params?.type === 'null')) continue
    const described = describe(error, part)
    const key = `${described.path}\0${described.message}`
    if (!seen.has(key)) result.push(described)
    seen.add(key)
  }
  return result.slice(0, 100)
}

/** `X or null`: who sent something else meant an X, and what X should be says it all. */
function isAboutNullable({ keyword, schema }: Partial<ErrorObject>): boolean {
  return keyword === 'anyOf' && (schema as { type?: string }[]).some(form => form.type === 'null')
}

function describe(error: Partial<ErrorObject>, part: string): FieldError {
  const at = (error.instancePath ?? '')
    .split('/')
    .slice(1)
    .map(step => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, step) => (/^\d+$/.test(step) ? `${path}[${step}]` : path === '' ? step : `${path}.${step}`), '')
  const params = (error.params ?? {}) as Record<string, unknown>
  const inside = (name: unknown) => (at === '' ? String(name) : `${at}.${name}`)
  switch (error.keyword) {
    case 'additionalProperties':
      return { path: inside(params.additionalProperty), message: 'is not a known field' }
    case 'required':
      return { path: inside(params.missingProperty), message: 'is required' }
    default:
      return { path: at === '' ? part : at, message: sentenceOf(error, params) }
  }
}

/** What would be right. The words of the validator are made for those who write schemas. */
function sentenceOf({ keyword, message, parentSchema }: Partial<ErrorObject>, params: Record<string, unknown>): string {
  const count = (one: string, many = `${one}s`) => `${params.limit} ${params.limit === 1 ? one : many}`
  switch (keyword) {
    case 'type':
      return `must be ${kinds[String(params.type)] ?? params.type}`
    case 'enum':
      return `must be one of ${(params.allowedValues as unknown[]).join(', ')}`
    case 'const':
      return `must be ${JSON.stringify(params.allowedValue)}`
    case 'minimum':
      return `must be ${params.limit} or more`
    case 'maximum':
      return `must be ${params.limit} or less`
    case 'minLength':
      return `must have at least ${count('character')}`
    case 'maxLength':
      return `must have at most ${count('character')}`
    case 'minItems':
      return params.limit === 1 ? 'must not be empty' : `must have at least ${count('entry', 'entries')}`
    case 'maxItems':
      return `must have at most ${count('entry', 'entries')}`
    case 'minProperties':
      return `must have at least ${count('field')}`
    case 'maxProperties':
      return `must have at most ${count('field')}`
    case 'uniqueItems':
      return `must not name the same twice (entries ${params.i} and ${params.j})`
    case 'format':
      return `must be ${formats[String(params.format)] ?? `a ${params.format}`}`
    case 'pattern': {
      const description = (parentSchema as { description?: string } | undefined)?.description
      return `must have the form ${params.pattern}${description === undefined ? '' : `: ${description.replace(/\.$/, '')}`}`
    }
    case 'anyOf':
    case 'oneOf':
      return 'must be of one of the forms that the reference describes'
    default:
      return message ?? 'is not right'
  }
}

const kinds: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  integer: 'an integer',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
}

const formats: Record<string, string> = {
  'date-time': 'an RFC 3339 time with an offset, such as 2027-05-01T19:30:00Z',
  uri: 'a full URL, such as https://example.org/poster.jpg',
}

/**
 * The places of U+0000 and of lone surrogates in a parsed body. PostgreSQL can store neither, and no seat is called so.
 * Both can come only from a `\u` escape: a body without one is not walked.
 */
export function unstorableText(raw: string, parsed: unknown): FieldError[] {
  if (!raw.includes('\\u')) return []
  const errors: FieldError[] = []
  const check = (value: string, path: string) => {
    if (value.includes('\0')) errors.push({ path, message: 'must not contain U+0000' })
    if (!value.isWellFormed()) errors.push({ path, message: 'must not contain half of a surrogate pair' })
  }
  const walk = (value: unknown, path: string) => {
    if (typeof value === 'string') check(value, path)
    else if (Array.isArray(value))
      value.forEach((item, i) => {
        walk(item, `${path}[${i}]`)
      })
    else if (typeof value === 'object' && value !== null)
      for (const [key, item] of Object.entries(value)) {
        check(key, `${path} (name)`)
        walk(item, path === '' ? key : `${path}.${key}`)
      }
  }
  walk(parsed, '')
  return errors
}
