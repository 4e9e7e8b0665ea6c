import type { AnyTable } from './table.ts'

export const primaryKey = 'primary key'

/**
 * The values of a row that no other row may have, each as the name of its lock: whoever wants a value that an open transaction
 * has taken or given up waits to learn whether that commits.
 */
export function uniqueValues(table: AnyTable, row: object): Map<string, string> {
  const values = new Map([[primaryKey, prefix(table, primaryKey) + table.key(row)]])
  for (const [index, valueIn] of Object.entries(table.unique)) {
    const value = valueIn(row)
    if (value !== null) values.set(index, prefix(table, index) + value)
  }
  return values
}

export function valueOfLock(table: AnyTable, index: string, name: string): string {
  return name.slice(prefix(table, index).length)
}

export function rowLock(table: AnyTable, key: string): string {
  return `${table.name} row ${key}`
}

function prefix(table: AnyTable, index: string): string {
  return `${table.name} ${index} = `
}
