import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readConfig } from '#platform/config/config.ts'
import { validatorCompiler } from '#platform/http/validation.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { createLogger } from '#platform/telemetry/logger.ts'
import { examples } from '../reference/examples.ts'
import { models } from '../reference/models.ts'
import { problemSchema } from '../reference/problem-responses.ts'
import { startServer } from '../start.ts'

// What readers and generated clients are told, by a server with every route.

const { url: database } = await testDatabase()
const folder = await mkdtemp(join(tmpdir(), 'holdfast-reference-'))
const { config } = readConfig({ DATABASE_URL: database, HOLDFAST_DATA: folder, PORT: '0', HOLDFAST_DEMO: 'false' })
const server = await startServer({ config, logger: createLogger('silent') })
after(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

type Media = { content?: Record<string, { schema: object; example?: unknown; examples?: Record<string, unknown> }> }
type Operation = {
  operationId: string
  summary: string
  tags: string[]
  security: object[]
  parameters?: { name: string; in: string }[]
  requestBody?: Media
  responses: Record<string, Media & { description: string }>
}
const answer = await fetch(`${server.url}/openapi.json`)
const document = (await answer.json()) as {
  openapi: string
  tags: { name: string }[]
  paths: Record<string, Record<string, Operation>>
  components: Record<string, Record<string, object>>
}
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
)

test('the document is OpenAPI 3.1 and can be kept', async () => {
  assert.match(document.openapi, /^3\.1\./)
  const again = await fetch(`${server.url}/openapi.json`, {
    headers: { 'if-none-match': answer.headers.get('etag')! },
  })
  assert.equal(again.status, 304)
})

test('every operation has a name of its own, a summary, a known tag, and says who may call it', () => {
  const names = operations.map(operation => operation.operationId)
  assert.deepEqual(names, [...new Set(names)])
  const tags = document.tags.map(tag => tag.name)
  for (const { operationId, summary, tags: own, security, path } of operations) {
    assert.match(operationId, /^[a-z][A-Za-z]+$/, path)
    assert.ok(summary.length > 0, operationId)
    assert.equal(own.length, 1, operationId)
    assert.ok(tags.includes(own[0]!), operationId)
    assert.ok(Array.isArray(security), operationId)
  }
  assert.deepEqual(new Set(operations.flatMap(operation => operation.tags)), new Set(tags))
})

test('every parameter of a path is described, and no path has a stray sign', () => {
  for (const { path, parameters = [] } of operations) {
    assert.match(path, /^(\/([\w.-]+(:bulk)?|\{\w+\}))+$/)
    const inPath = parameters.filter(parameter => parameter.in === 'path').map(parameter => parameter.name)
    assert.deepEqual(
      inPath,
      Array.from(path.matchAll(/\{(\w+)\}/g), match => match[1]),
    )
  }
})

test('every operation says what it answers, and every refusal is a problem', () => {
  for (const { operationId, responses } of operations) {
    const success = Object.entries(responses).filter(([status]) => status.startsWith('2'))
    assert.ok(success.length >= 1, operationId)
    for (const [status, { content, description }] of Object.entries(responses)) {
      assert.notEqual(description, '', `${operationId} ${status}`)
      if (status.startsWith('2')) continue
      const schema = content?.['application/problem+json']?.schema
      assert.deepEqual(schema, { $ref: '#/components/schemas/Problem' }, `${operationId} ${status}`)
    }
  }
})

test('every reference leads somewhere, and every model is used', () => {
  const used = new Set(
    Array.from(
      JSON.stringify(document).matchAll(/"#\/components\/(\w+)\/([\w-]+)"/g),
      match => `${match[1]}/${match[2]}`,
    ),
  )
  const { schemas, examples } = document.components
  const there = Object.entries({ schemas, examples }).flatMap(([kind, named]) =>
    Object.keys(named!).map(name => `${kind}/${name}`),
  )
  assert.deepEqual(
    [...used].filter(name => !there.includes(name)),
    [],
  )
  assert.deepEqual(
    Object.keys(models).filter(name => !used.has(`schemas/${name}`)),
    [],
  )
})

test('the examples are of operations that there are, and are what their schemas ask for', () => {
  const names = operations.map(operation => operation.operationId)
  assert.deepEqual(
    Object.keys(examples).filter(name => !names.includes(name)),
    [],
  )
  const matches = (schema: object, value: unknown, what: string) => {
    const named = /^#\/components\/schemas\/(\w+)$/.exec((schema as { $ref?: string }).$ref ?? '')?.[1]
    const validate = validatorCompiler({
      schema: named === undefined ? schema : models[named]!,
      method: 'POST',
      url: '/',
      httpPart: 'body',
    }) as { (value: unknown): boolean; errors?: unknown }
    assert.ok(validate(value), `${what}: ${JSON.stringify(validate.errors)}`)
  }
  for (const { operationId, requestBody, responses } of operations) {
    const bodies = [requestBody, ...Object.values(responses)].flatMap(body => Object.values(body?.content ?? {}))
    for (const { schema, example } of bodies) if (example !== undefined) matches(schema, example, operationId)
  }
  for (const [code, { value }] of Object.entries(document.components.examples as Record<string, { value: unknown }>))
    matches(problemSchema, value, code)
})

test('the reference page brings everything it needs', async () => {
  const page = await fetch(`${server.url}/`)
  assert.equal(page.status, 200)
  assert.match(page.url, /\/docs\/$/)
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/)
  const html = await page.text()
  assert.deepEqual(html.match(/(?:src|href)="https?:[^"]*"/g), null)
  const script = new URL(/<script src="([^"]+)"/.exec(html)![1]!, page.url)
  assert.equal((await fetch(script)).status, 200)
})
