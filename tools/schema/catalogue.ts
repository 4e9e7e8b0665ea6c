import { assert } from '#kernel/assert.ts'
import type { Tx } from '#platform/postgres/database.ts'
import {
  enumsQuery,
  extensionsQuery,
  functionsQuery,
  needsQuery,
  schemasQuery,
  strangersQuery,
  tablesQuery,
} from './catalogue.sql.ts'

export type Column = {
  name: string
  type: string
  notNull: boolean
  /** Where they differ from those of the type. */
  collation: string | null
  storage: string | null
  /** The target of `alter column … set statistics`, if it is not the usual one. */
  statistics: number | null
  identity: 'always' | 'by default' | null
  /** `default` is the expression it is generated from. */
  generated: 'stored' | 'virtual' | null
  default: string | null
}

export type Table = {
  kind: 'table'
  unlogged: boolean
  /** Storage parameters. */
  options: string | null
  partitionKey: string | null
  /** What it is a partition of, and for which values. */
  parent: string | null
  bounds: string | null
  columns: Column[]
  constraints: string[]
  /** Statements; without those that a constraint or a parent brings along. */
  indexes: string[]
}

/** What one statement makes. `needs` are the keys of what must be there before. */
export type SchemaObject = { key: string; name: string; needs: string[] } & (
  | { kind: 'extension'; schema: string }
  | { kind: 'enum'; values: string[] }
  | { kind: 'function'; definition: string }
  | Table
)

/** In which the migrator keeps its books. It makes them itself. */
const tablesOfTheMigrator = ['holdfast.migrations', 'holdfast.migrations_lock']

/**
 * Everything that migrations have made, from the catalogue of PostgreSQL.
 *
 * @throws Bug naming an object of a kind that is not read yet (a view, a trigger), which silence would hide for ever
 */
export async function readCatalogue(tx: Tx): Promise<{ schemas: string[]; objects: SchemaObject[] }> {
  const schemas = (await tx.query<{ name: string }>(schemasQuery)).rows.map(row => row.name)
  const read = async <Row extends object>(query: string) => (await tx.query<Row>(query, [schemas])).rows
  const strangers = await read<{ what: string }>(strangersQuery)
  assert(strangers.length === 0, `tools/schema knows how to print ${strangers.map(row => row.what).join(', ')}`)

  const needs = Map.groupBy(await read<{ key: string; needs: string }>(needsQuery), row => row.key)
  const objects: SchemaObject[] = []
  for (const query of [extensionsQuery, enumsQuery, tablesQuery, functionsQuery])
    for (const row of await read<Omit<SchemaObject, 'needs'>>(query))
      if (!tablesOfTheMigrator.includes(row.name))
        objects.push({ ...row, needs: needs.get(row.key)?.map(need => need.needs) ?? [] } as SchemaObject)
  return { schemas, objects }
}
