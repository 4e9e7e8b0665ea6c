import { Ajv, type ErrorObject } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifySchemaCompiler } from 'fastify'

export type FieldError = { path: string; message: string }

// JSON has types, so a body is taken as it is; a query string has only text, so numbers and flags in it are read from text.
const strict = new Ajv({
  allErrors: true,
  coerceTypes: false,
  useDefaults: true,
  removeAdditional: false,
  strict: false,
})
const fromText = new Ajv({
  allErrors: true,
  coerceTypes: 'array',
  useDefaults: true,
  removeAdditional: false,
  strict: false,
})
for (const ajv of [strict, fromText]) (addFormats as unknown as (ajv: Ajv) => void)(ajv)

export const validatorCompiler: FastifySchemaCompiler<object> = ({ schema, httpPart }) =>
  (httpPart === 'body' ? strict : fromText).compile(schema as object)

/** Every place that is wrong, with what would be right, in the notation of the request: `seat_ids[3]`. */
export function fieldErrors(errors: readonly Partial<ErrorObject>[], part: string): FieldError[] {
  const seen = new Set<string>()
  const result: FieldError[] = []
  for (const error of errors) {
    const described = describe(error, part)
    const key = `${described.path}\0${described.message}`
    if (!seen.has(key)) result.push(described)
    seen.add(key)
  }
  return result.slice(0, 100)
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
    case 'enum':
      return { path: at, message: `must be one of ${(params.allowedValues as unknown[]).join(', ')}` }
    case 'uniqueItems':
      return { path: at, message: `must not name the same twice (entries ${params.j} and ${params.i})` }
    case 'anyOf':
    case 'oneOf':
      return { path: at === '' ? part : at, message: 'must be of one of the forms that the reference describes' }
    default:
      return { path: at === '' ? part : at, message: error.message ?? 'is not right' }
  }
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
