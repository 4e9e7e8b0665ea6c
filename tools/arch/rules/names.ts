import type { Finding, Rule } from '../judge.ts'
import { lineOf } from '../scan.ts'
import type { Tree } from '../tree.ts'

/** Words that name a drawer and not a thing; some only when they are the whole name (`shared-body.ts` is a thing). */
const drawers = ['util', 'utils', 'helper', 'helpers', 'manager', 'service', 'services']
const drawersAlone = ['common', 'shared', 'misc', 'lib', 'core']

export const fileNames: Rule = {
  name: 'file-names',
  because: 'a file is found by its name: kebab-case, named for what it exports',
  *check(tree: Tree): Iterable<Finding> {
    for (const { path } of tree.files) {
      const parts = path.split('/')
      const odd = parts.find((part, i) => !(i < parts.length - 1 ? kebab : kebabFile).test(part))
      if (odd !== undefined)
        yield { path, line: 1, what: odd, sentence: `has the name ${odd}, which is not kebab-case` }
      const names = parts.map(part => part.replace(/\..*/, ''))
      const drawer =
        names.find(name => drawersAlone.includes(name)) ??
        names.flatMap(name => name.split('-')).find(word => drawers.includes(word))
      if (drawer !== undefined)
        yield { path, line: 1, what: drawer, sentence: `has "${drawer}" in its name: ${advice}` }
    }
  },
}

const kebab = /^[a-z0-9]+(-[a-z0-9]+)*$/
/** Suffixes say what a file needs or is: `.pg.test.ts`, `.sql.ts`. */
const kebabFile = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)+$/
const advice = 'name the thing that it does or holds'

export const exportedNames: Rule = {
  name: 'exported-names',
  because: 'a name that fits anything says nothing',
  *check(tree: Tree): Iterable<Finding> {
    for (const { path, code } of tree.files)
      for (const match of code.matchAll(
        /\bexport (?:abstract |async )*(?:class|function\*?|const|type|interface) (\w+)/g,
      )) {
        const words = match[1]!.split(/(?=[A-Z])/).map(word => word.toLowerCase())
        const drawer = words.find(word => drawers.includes(word))
        if (drawer === undefined) continue
        yield { path, line: lineOf(code, match.index), what: match[1]!, sentence: `exports ${match[1]}: ${advice}` }
      }
  },
}
