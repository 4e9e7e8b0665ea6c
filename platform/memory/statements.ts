import { assert } from '#kernel/assert.ts'
import type { Database, Queryable, Statement, Tx } from '../postgres/database.ts'
import type { MemoryConnection } from './database.ts'
import type { MemoryTx } from './memory-tx.ts'

/**
 * What a prepared statement does, said over the memory database: it is given what PostgreSQL would be given, and answers with the rows
 * that PostgreSQL would answer with.
 */
export type MemoryStatement = (tx: MemoryTx, values: never) => Promise<readonly object[]>
/**
 * By the name under which a statement is prepared, or its label. Another text has another name, so a twin that was forgotten is not
 * found.
 */
export type MemoryStatements = Readonly<Record<string, MemoryStatement>>

/** The twins of several parts together. One name means one statement, everywhere. */
export function allStatements(...parts: readonly MemoryStatements[]): MemoryStatements {
  const names = parts.flatMap(part => Object.keys(part))
  const twice = names.filter((name, i) => names.indexOf(name) !== i)
  assert(twice.length === 0, `a statement has a name of its own: ${twice.join()}`)
  return Object.assign({}, ...parts)
}

/**
 * The memory database as code sees PostgreSQL: for use cases whose statements all have a twin. What they do with the answers, and in which
 * order they ask, is then the product's own.
 */
export function statementDatabase(connection: MemoryConnection, statements: MemoryStatements): Database {
  async function run(tx: MemoryTx, statement: Statement): Promise<{ rows: never[]; rowCount: number }> {
    const { name = statement.label, values = [] } = statement
    assert(name !== undefined, `a statement with a twin has a name: ${statement.text.slice(0, 60)}`)
    const twin = statements[name]
    assert(twin !== undefined, `the statement ${name} has no twin`)
    const rows = await twin(tx, values as never)
    return { rows: rows as never[], rowCount: rows.length }
  }

  function queryable(tx: MemoryTx): Queryable {
    const savepoints = new Map<string, () => void>()
    return {
      async query(statement: string | Statement) {
        if (typeof statement !== 'string') return run(tx, statement)
        const [, verb, name] = /^(savepoint|release savepoint|rollback to savepoint) (\w+)$/.exec(statement) ?? []
        assert(verb !== undefined, `a statement with a twin has a name: ${statement.slice(0, 60)}`)
        if (verb === 'savepoint') savepoints.set(name!, tx.savepoint())
        else {
          const undo = savepoints.get(name!)
          assert(undo !== undefined, `there is no savepoint ${name}`)
          if (verb === 'rollback to savepoint') undo()
          else savepoints.delete(name!)
        }
        return { rows: [], rowCount: 0 }
      },
    }
  }

  return {
    query: (statement, values) =>
      connection.transaction(nameOf(statement), tx => {
        assert(values === undefined, 'a statement with a twin brings its values')
        return queryable(tx).query(statement) as never
      }),
    transaction: work => connection.transaction('transaction', tx => work(queryable(tx) as Tx)),
    use: () => ({ busy: 0, idle: 1, waiting: 0, max: 1 }),
    close: async () => {},
  }
}

function nameOf(statement: string | Statement): string {
  return typeof statement === 'string' ? statement.slice(0, 30) : (statement.name ?? statement.label ?? 'unnamed')
}
