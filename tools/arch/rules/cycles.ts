import type { Finding, Rule } from '../judge.ts'
import type { SourceFile, Tree } from '../tree.ts'

export const cycles: Rule = {
  name: 'cycles',
  because: 'files that import each other are one file in pieces, and which runs first depends on who came in first',
  *check(tree: Tree): Iterable<Finding> {
    const files = new Map(tree.files.map(file => [file.path, file]))
    const done = new Set<string>()
    for (const path of files.keys()) yield* walk(path, [], files, done)
  },
}

/** Depth first; an import of a file on the way we came by closes a circle. Types are erased and close none. */
function* walk(path: string, way: string[], files: Map<string, SourceFile>, done: Set<string>): Iterable<Finding> {
  if (done.has(path)) return
  for (const { target, line, typeOnly } of files.get(path)?.imports ?? []) {
    if (target === null || typeOnly) continue
    const start = [...way, path].indexOf(target)
    if (start === -1) yield* walk(target, [...way, path], files, done)
    else
      yield {
        path,
        line,
        what: target,
        sentence: `closes a circle: ${[...way.slice(start), path, target].join(' -> ')}`,
      }
  }
  done.add(path)
}
