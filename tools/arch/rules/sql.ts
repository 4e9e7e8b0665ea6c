import type { Finding, Rule } from '../judge.ts'
import { lineOf } from '../scan.ts'
import type { SourceFile, Tree } from '../tree.ts'
import { isProduct } from './layers.ts'

export const timeInSql: Rule = {
  name: 'time-in-sql',
  because:
    'time in SQL comes from holdfast.clock() alone: now() stands still in a transaction, and tests move only the one clock',
  check: tree =>
    find(
      tree,
      /\b(?:(now|clock_timestamp|statement_timestamp|transaction_timestamp)\(\)|(current_timestamp|current_date|current_time|localtimestamp)\b)/g,
    ),
}

export const sessionState: Rule = {
  name: 'session-state',
  because: 'behind a pooler in transaction mode the next statement may run in another session',
  check: tree =>
    find(
      tree,
      /\b(pg_(?:try_)?advisory_(?:un)?lock(?:_shared)?|create temp(?:orary)? table|set session|pg_(?:un)?listen|set_config\([^)]*false\))/g,
    ),
}

function* find(tree: Tree, pattern: RegExp): Iterable<Finding> {
  for (const file of tree.files.filter(holdsSql))
    for (const match of file.strings.matchAll(pattern)) {
      const what = match[1] ?? match[2]!
      yield { path: file.path, line: lineOf(file.strings, match.index), what, sentence: `has ${what} in its SQL` }
    }
}

function holdsSql(file: SourceFile): boolean {
  return isProduct(file) || file.folder === 'db'
}
