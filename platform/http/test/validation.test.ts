import assert from 'node:assert/strict'
import { test } from 'node:test'
import Type, { type TSchema } from 'typebox'
import { fieldErrors, validatorCompiler } from '../validation.ts'

/** What is said of `value` at `path`. */
function said(schema: TSchema, value: unknown): string {
  const validate = validatorCompiler({ schema, method: 'POST', url: '/', httpPart: 'body' })
  assert.equal(validate(value), false)
  const errors = (validate as { errors?: Parameters<typeof fieldErrors>[0] }).errors ?? []
  return fieldErrors(errors, 'body')
    .map(({ path, message }) => `${path} ${message}`)
    .join('; ')
}

test('what is wrong with a field is told as what would be right', () => {
  const country = Type.String({ pattern: '^[A-Z]{2}$', description: 'ISO 3166-1 alpha-2, such as DE.' })
  const cases: [TSchema, unknown, string][] = [
    [Type.String(), 5, 'must be a string'],
    [Type.Integer(), 1.5, 'must be an integer'],
    [Type.Boolean(), 'yes', 'must be true or false'],
    [Type.Literal(true), false, 'must be true'],
    [Type.Enum(['open', 'close']), 'shut', 'must be one of open, close'],
    [Type.Integer({ minimum: 1 }), 0, 'must be 1 or more'],
    [Type.Integer({ maximum: 50 }), 51, 'must be 50 or less'],
    [Type.String({ minLength: 15 }), 'short', 'must have at least 15 characters'],
    [Type.String({ maxLength: 1 }), 'ab', 'must have at most 1 character'],
    [Type.Array(Type.String(), { minItems: 1 }), [], 'must not be empty'],
    [Type.Array(Type.String(), { maxItems: 1 }), ['a', 'b'], 'must have at most 1 entry'],
    [Type.Array(Type.String(), { uniqueItems: true }), ['a', 'a'], 'must not name the same twice (entries 0 and 1)'],
    [
      Type.Array(Type.String(), { uniqueItems: true }),
      ['a', 'b', 'c', 'b', 'a'],
      'must not name the same twice (entries 1 and 3)',
    ],
    [
      Type.String({ format: 'date-time' }),
      'soon',
      'must be an RFC 3339 time with an offset, such as 2027-05-01T19:30:00Z',
    ],
    [Type.String({ pattern: '^[a-z]+$' }), 'A', 'must have the form ^[a-z]+$'],
    [country, 'de', 'must have the form ^[A-Z]{2}$: ISO 3166-1 alpha-2, such as DE'],
  ]
  for (const [schema, value, sentence] of cases)
    assert.equal(said(Type.Object({ it: schema }), { it: value }), `it ${sentence}`)
})

test('of a field that may be null, only what it should be otherwise is told', () => {
  const schema = Type.Object({ it: Type.Union([Type.String({ minLength: 2 }), Type.Null()]) })
  assert.equal(said(schema, { it: 5 }), 'it must be a string')
  assert.equal(said(schema, { it: 'a' }), 'it must have at least 2 characters')
  const choice = Type.Object({ it: Type.Union([Type.String(), Type.Integer()]) })
  assert.match(said(choice, { it: null }), /it must be of one of the forms/)
})

test('a list of things that uniqueItems does not look into is a mistake of ours', () => {
  const thing = Type.Object({})
  for (const items of [thing, Type.Union([Type.String(), thing]), Type.Array(Type.String())])
    assert.throws(() => said(Type.Array(items, { uniqueItems: true }), []), /does not look into entries/)
})

test('places are named as in the request', () => {
  const schema = Type.Object(
    { areas: Type.Array(Type.Object({ quantity: Type.Integer() }, { additionalProperties: false })) },
    { additionalProperties: false },
  )
  assert.equal(said(schema, {}), 'areas is required')
  assert.equal(said(schema, { areas: [{ quantity: 1 }, {}] }), 'areas[1].quantity is required')
  assert.equal(said(schema, { areas: [{ quantity: 1, row: 'A' }] }), 'areas[0].row is not a known field')
  assert.equal(said(schema, []), 'body must be an object')
})
