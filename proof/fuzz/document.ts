import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

/** JSON Schema, as far as the document of this server uses it. */
export type Schema = {
  type?: string
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean
  minProperties?: number
  maxProperties?: number
  items?: Schema
  minItems?: number
  maxItems?: number
  uniqueItems?: boolean
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  format?: string
  pattern?: string
  $ref?: string
}

export type Parameter = { in: 'path' | 'query' | 'header'; name: string; required: boolean; schema: Schema }

export type PromisedAnswer = {
  /** By media type; `problem` of refusals is judged by its codes. */
  bodies: Map<string, ValidateFunction | null>
  /** The problem codes of this status. */
  codes: ReadonlySet<string>
}

export type Operation = {
  id: string
  method: string
  /** With `{names}`. */
  path: string
  isSecured: boolean
  parameters: Parameter[]
  bodyTypes: string[]
  bodySchema: Schema | null
  takes: ValidateFunction | null
  answers: Map<number, PromisedAnswer>
}

/** What all problems of a code have in common, from its example. */
export type KnownCode = { status: number; title: string; members: ReadonlySet<string> }

export type ApiDocument = { operations: Operation[]; codes: Map<string, KnownCode> }

type Media = Record<string, { schema?: Schema; examples?: Record<string, unknown> }>
type Documented = {
  operationId: string
  security?: unknown[]
  parameters?: (Omit<Parameter, 'required'> & { required?: boolean })[]
  requestBody?: { content: Media }
  responses: Record<string, { content?: Media }>
}
export type OpenApi = {
  paths: Record<string, Record<string, Documented>>
  components: { schemas: Record<string, Schema>; examples: Record<string, { value: Record<string, unknown> }> }
}

/**
 * The operations, from the document that the server publishes. `default` ("any other problem") promises nothing here: a status that is
 * answered has to be named.
 */
export function readDocument({ paths, components }: OpenApi): ApiDocument {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true })
  ;(addFormats as unknown as (ajv: Ajv2020) => void)(ajv)
  const whole = (schema: Schema) => resolved(schema, components.schemas) as Schema
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, documented]): Operation => {
      const { operationId, security = [], parameters = [], requestBody, responses } = documented
      const schema = requestBody?.content['application/json']?.schema
      const bodySchema = schema === undefined ? null : whole(schema)
      return {
        id: operationId,
        method: method.toUpperCase(),
        path,
        isSecured: security.length > 0,
        parameters: parameters.map(parameter => ({ ...parameter, required: parameter.required ?? false })),
        bodyTypes: Object.keys(requestBody?.content ?? {}),
        bodySchema,
        takes: bodySchema === null ? null : ajv.compile(bodySchema),
        answers: new Map(
          Object.entries(responses)
            .filter(([status]) => status !== 'default')
            .map(([status, { content = {} }]) => [
              Number(status),
              {
                bodies: new Map(
                  Object.entries(content).map(([type, media]) => [
                    type,
                    /json/.test(type) && media.schema !== undefined ? ajv.compile(closed(whole(media.schema))) : null,
                  ]),
                ),
                codes: new Set(Object.keys(content['application/problem+json']?.examples ?? {})),
              },
            ]),
        ),
      }
    }),
  )
  const codes = new Map(
    Object.entries(components.examples).map(([code, { value }]) => [
      code,
      { status: Number(value.status), title: String(value.title), members: new Set(Object.keys(value)) },
    ]),
  )
  return { operations, codes }
}

function resolved(value: unknown, schemas: Record<string, Schema>): unknown {
  if (Array.isArray(value)) return value.map(item => resolved(item, schemas))
  if (typeof value !== 'object' || value === null) return value
  const { $ref } = value as Schema
  if ($ref !== undefined) return resolved(schemas[$ref.replace('#/components/schemas/', '')], schemas)
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, resolved(member, schemas)]))
}

/** An answer has the members that it is said to have and no others: who adds one adds it to the document. */
function closed(value: Schema): Schema {
  if (Array.isArray(value)) return value.map(closed) as Schema
  if (typeof value !== 'object' || value === null) return value
  const members = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, closed(member as Schema)]))
  const isOpen = value.properties === undefined || value.additionalProperties !== undefined
  return (isOpen ? members : { ...members, additionalProperties: false }) as Schema
}

/** The operation at an address, the path without its query; parameters are not empty. */
export function operationAt(operations: readonly Operation[], method: string, path: string): Operation | null {
  const asked = path.split('/')
  const fits = ({ path: pattern }: Operation) => {
    const steps = pattern.split('/')
    return (
      steps.length === asked.length &&
      steps.every((step, i) =>
        step.startsWith('{') ? asked[i] !== '' && !/^\.{1,2}$/.test(asked[i]!) : step === asked[i],
      )
    )
  }
  return operations.find(operation => operation.method === method && fits(operation)) ?? null
}
