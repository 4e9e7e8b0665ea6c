import type { Tx } from '#platform/postgres/database.ts'
import { type Column, readCatalogue, type SchemaObject, type Table } from './catalogue.ts'

/**
 * The schema of a database as SQL that makes it again, the same text whenever the schema is the same. Rows are not part of
 * it, nor who may do what.
 */
export async function printSchema(tx: Tx): Promise<string> {
  // What is not on the search path is printed with its schema.
  await tx.query(`select pg_catalog.set_config('search_path', '', true)`)
  const { schemas, objects } = await readCatalogue(tx)
  return `${[
    '-- The schema as the migrations leave it, printed from the catalogue of PostgreSQL by `npm run schema`. Not to be edited.',
    '-- Some functions speak of tables that come after them.\nset check_function_bodies = off;',
    ...schemas.map(name => `create schema ${name};`),
    ...inOrder(objects).map(statement),
  ].join('\n\n')}\n`
}

const kinds = ['extension', 'enum', 'table', 'function']

/** By kind and name; but what is needed stands before what needs it. */
function inOrder(objects: SchemaObject[]): SchemaObject[] {
  const byKey = new Map(objects.map(object => [object.key, object]))
  const placed = new Set<SchemaObject>()
  const place = (object: SchemaObject | undefined, way: SchemaObject[]): void => {
    if (object === undefined || placed.has(object) || way.includes(object)) return
    const needed = object.needs.map(key => byKey.get(key)).filter(need => need !== undefined)
    for (const need of needed.sort(byKindAndName)) place(need, [...way, object])
    placed.add(object)
  }
  for (const object of objects.toSorted(byKindAndName)) place(object, [])
  return [...placed]
}

function byKindAndName(a: SchemaObject, b: SchemaObject): number {
  return kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || (a.name < b.name ? -1 : 1)
}

function statement(object: SchemaObject): string {
  switch (object.kind) {
    case 'extension':
      return `create extension ${object.name} with schema ${object.schema};`
    case 'enum':
      return `create type ${object.name} as enum (${object.values.join(', ')});`
    case 'function':
      return `${object.definition.trimEnd()};`
    case 'table':
      return tableStatement(object.name, object)
  }
}

function tableStatement(name: string, table: Table): string {
  const create = `create ${table.unlogged ? 'unlogged ' : ''}table ${name}`
  const lines = [...(table.parent === null ? table.columns.map(columnLine) : []), ...table.constraints]
  const body = lines.length === 0 ? '' : ` (\n${lines.map(line => `  ${line}`).join(',\n')}\n)`
  const head =
    table.parent === null
      ? `${create}${body}${table.partitionKey === null ? '' : ` partition by ${table.partitionKey}`}`
      : `${create} partition of ${table.parent}${body} ${table.bounds}`
  const options = table.options === null ? '' : ` with (${table.options})`
  const statistics = table.columns
    .filter(column => column.statistics !== null)
    .map(column => `  alter column ${column.name} set statistics ${column.statistics}`)
  return [
    `${head}${options};`,
    ...table.indexes.map(index => `${index};`),
    ...(statistics.length === 0 ? [] : [`alter table only ${name}\n${statistics.join(',\n')};`]),
  ].join('\n')
}

function columnLine(column: Column): string {
  return [
    column.name,
    column.type,
    column.storage && `storage ${column.storage}`,
    column.collation && `collate ${column.collation}`,
    column.notNull && 'not null',
    column.identity && `generated ${column.identity} as identity`,
    column.generated && `generated always as (${column.default}) ${column.generated}`,
    !column.generated && column.default !== null && `default ${column.default}`,
  ]
    .filter(Boolean)
    .join(' ')
}
