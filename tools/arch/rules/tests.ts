import type { Finding, Rule } from '../judge.ts'
import { lineOf } from '../scan.ts'
import type { Tree } from '../tree.ts'

export const testNames: Rule = {
  name: 'test-names',
  because: 'the suffix says what a test needs: .test.ts nothing, .pg.test.ts PostgreSQL, .slow.test.ts patience',
  *check(tree: Tree): Iterable<Finding> {
    for (const file of tree.files) {
      if (!file.path.endsWith('.test.ts') || /\.(pg|slow)\.test\.ts$/.test(file.path)) continue
      for (const { target, specifier, line } of file.imports)
        if (specifier === 'pg' || target === 'platform/postgres/test-database.ts')
          yield {
            path: file.path,
            line,
            what: specifier,
            sentence: `needs PostgreSQL (${specifier}): call it .pg.test.ts`,
          }
    }
  },
}

export const testsAllRun: Rule = {
  name: 'tests-all-run',
  because: 'a test that is switched off guards nothing, and one that is singled out switches off the rest',
  *check(tree: Tree): Iterable<Finding> {
    for (const { path, code } of tree.files.filter(file => file.isTest))
      for (const match of code.matchAll(
        /\b(?:test|it|describe|suite)\.(only|skip|todo)\b|[{,]\s*(only|skip|todo): true\b/g,
      )) {
        const what = match[1] ?? match[2]!
        yield { path, line: lineOf(code, match.index), what, sentence: `has a test marked "${what}"` }
      }
  },
}
