import assert from 'node:assert/strict'
import { type Answer, ask } from './ask.ts'

/** What a test needs to know of an operation, from the document that the server publishes. */
export type Operation = {
  id: string
  method: string
  /** With `{names}`. */
  path: string
  /** Needs a token. */
  isSecured: boolean
  pathParameters: string[]
  queryParameters: string[]
  /** Media types of the body; empty when it takes none. */
  bodyTypes: string[]
  bodySchema: JsonSchema | null
  /** The problem codes that it says it may answer. */
  problems: ReadonlySet<string>
}

export type JsonSchema = { [keyword: string]: unknown }

type Parameter = { in: string; name: string }
type Content = Record<string, { schema?: JsonSchema; examples?: Record<string, unknown> }>
type Documented = {
  operationId: string
  security?: unknown[]
  parameters?: Parameter[]
  requestBody?: { content: Content }
  responses: Record<string, { content?: Content }>
}
type Document = {
  paths: Record<string, Record<string, Documented>>
  components: { schemas: Record<string, JsonSchema> }
}

export async function readOperations(url: string): Promise<Operation[]> {
  const { paths, components } = (await ask(url, { path: '/openapi.json' })).body as Document
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, documented]) => {
      const { parameters = [], requestBody, responses } = documented
      const names = (place: string) => parameters.filter(({ in: where }) => where === place).map(({ name }) => name)
      const schema = requestBody?.content['application/json']?.schema
      return {
        id: documented.operationId,
        method: method.toUpperCase(),
        path,
        isSecured: (documented.security ?? []).length > 0,
        pathParameters: names('path'),
        queryParameters: names('query'),
        bodyTypes: Object.keys(requestBody?.content ?? {}),
        bodySchema: schema === undefined ? null : (resolved(schema, components.schemas) as JsonSchema),
        problems: new Set(
          Object.values(responses).flatMap(({ content }) =>
            Object.keys(content?.['application/problem+json']?.examples ?? {}),
          ),
        ),
      }
    }),
  )
}

function resolved(value: unknown, schemas: Record<string, JsonSchema>): unknown {
  if (Array.isArray(value)) return value.map(item => resolved(item, schemas))
  if (typeof value !== 'object' || value === null) return value
  const { $ref } = value as { $ref?: string }
  if ($ref !== undefined) {
    const schema = schemas[$ref.replace('#/components/schemas/', '')]
    assert.ok(schema, `${$ref} is in the document`)
    return resolved(schema, schemas)
  }
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, resolved(member, schemas)]))
}

/** The operation said that it may answer so. */
export function assertPromised({ id, problems }: Operation, { body }: Answer): void {
  assert.ok(problems.has(body.code), `${id} answered ${body.code}, and promises only ${[...problems].join(', ')}`)
}
