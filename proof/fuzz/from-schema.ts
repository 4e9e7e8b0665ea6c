import type { Chance } from './chance.ts'
import type { Schema } from './document.ts'

/** A value for a member where a schema says too little; undefined: make one from the schema. */
export type Hint = (name: string) => unknown

/** A value that the schema allows. */
export function valueFor(schema: Schema, chance: Chance, hint: Hint, name = ''): unknown {
  const hinted = hint(name)
  if (hinted !== undefined) return hinted
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return chance.one(schema.enum)
  if (schema.anyOf !== undefined) return valueFor(chance.one(schema.anyOf), chance, hint, name)
  switch (schema.type) {
    case 'object':
      return objectOf(schema, chance, hint)
    case 'array': {
      const { minItems = 0, maxItems = 5, items = {} } = schema
      const made = Array.from({ length: chance.between(Math.max(minItems, 1), Math.min(maxItems, minItems + 3)) }, () =>
        valueFor(items, chance, hint, name),
      )
      return schema.uniqueItems ? [...new Set(made)] : made
    }
    case 'integer':
    case 'number':
      return chance.between(schema.minimum ?? 0, Math.min(schema.maximum ?? 1000, (schema.minimum ?? 0) + 1000))
    case 'boolean':
      return chance.is(0.5)
    case 'null':
      return null
    case 'string':
      return stringOf(schema, chance)
    default:
      return chance.word(5)
  }
}

function objectOf(schema: Schema, chance: Chance, hint: Hint): object {
  const { properties = {}, required = [], minProperties = 0, maxProperties = 100 } = schema
  const optional = Object.keys(properties).filter(name => !required.includes(name))
  const wanted = optional.filter(() => chance.is(0.4))
  while (required.length + wanted.length < minProperties) wanted.push(chance.one(optional))
  const names = [...new Set([...required, ...wanted])].slice(0, maxProperties)
  return Object.fromEntries(names.map(name => [name, valueFor(properties[name]!, chance, hint, name)]))
}

function stringOf({ format, pattern, minLength = 0, maxLength = 40 }: Schema, chance: Chance): string {
  if (format === 'date-time')
    return new Date(Date.UTC(2031, chance.below(12), 1 + chance.below(28), chance.below(24))).toISOString()
  if (format === 'email') return `${chance.word(8)}@example.org`
  if (format === 'uri') return `https://example.org/${chance.word(6)}`
  if (pattern === '^[A-Z]{2}$') return chance.one(['CH', 'DE', 'FR'])
  if (pattern === '^[A-Z]{3}$') return chance.one(['CHF', 'EUR', 'JPY'])
  if (pattern !== undefined) return `${chance.word(4)}-${chance.word(6)}`
  return chance.word(Math.min(maxLength, Math.max(minLength, chance.between(1, 20))))
}

/** At the edges of what the schema allows, and one step beyond. */
export function edgesOf(schema: Schema): unknown[] {
  const {
    type,
    minimum = 0,
    maximum = 2 ** 31 - 1,
    minLength = 0,
    maxLength = 255,
    minItems = 0,
    maxItems = 100,
    items = {},
  } = schema
  switch (type) {
    case 'integer':
    case 'number':
      return [minimum, maximum, minimum - 1, maximum + 1, minimum + 0.5, 2 ** 31, 2 ** 53, -1, 0, -0]
    case 'string':
      return [minLength, maxLength, Math.max(0, minLength - 1), maxLength + 1].flatMap(length => [
        'x'.repeat(Math.min(length, 70_000)),
        // Characters, bytes and code units are not the same.
        '🎫'.repeat(Math.min(length, 15_000)),
      ])
    case 'array': {
      const item = items.type === 'object' ? {} : items.type === 'integer' ? 1 : 'x'
      const some = (length: number) =>
        Array.from({ length: Math.max(0, length) }, (_, i) => (item === 'x' ? `x${i}` : item))
      return [some(minItems), some(maxItems), some(minItems - 1), some(maxItems + 1), [item, item]]
    }
    case 'boolean':
      return [true, false, 'true', 0]
    default:
      return [null, '', {}, []]
  }
}

/** Every place in a body, with the schema of what belongs there. */
export function placesOf(value: unknown, schema: Schema | undefined, path: readonly (string | number)[] = []): Place[] {
  const here: Place = { path, schema: schema ?? {} }
  const form = schema?.anyOf?.find(one => one.type !== 'null') ?? schema
  if (Array.isArray(value)) return [here, ...value.flatMap((item, i) => placesOf(item, form?.items, [...path, i]))]
  if (typeof value !== 'object' || value === null) return [{ path, schema: form ?? {} }]
  return [
    here,
    ...Object.entries(value).flatMap(([name, member]) => placesOf(member, form?.properties?.[name], [...path, name])),
  ]
}
export type Place = { path: readonly (string | number)[]; schema: Schema }

/** The body with something else at one place. */
export function withAt(value: unknown, [step, ...rest]: readonly (string | number)[], put: unknown): unknown {
  if (step === undefined) return put
  if (Array.isArray(value)) return value.with(step as number, withAt(value[step as number], rest, put))
  return { ...(value as object), [step]: withAt((value as Record<string, unknown>)[step], rest, put) }
}
