import type { Finding, Rule } from '../judge.ts'
import type { SourceFile, Tree } from '../tree.ts'

/**
 * Which module may call which. The list is short and has no circle, because calls go down it and news comes back as messages.
 * It is the design's; a module that is not built yet stands here already.
 */
export const moduleList: Record<string, readonly string[]> = {
  identity: [],
  catalog: [],
  payments: [],
  tickets: [],
  notifications: [],
  availability: ['catalog'],
  reservations: ['availability', 'catalog'],
  checkout: ['reservations', 'payments', 'tickets'],
  'waiting-room': ['catalog'],
  doors: ['tickets'],
  'sale-control': ['catalog', 'reservations', 'checkout', 'waiting-room'],
  reports: [],
}

export const moduleCalls: Rule = {
  name: 'module-calls',
  because: 'modules stay apart only while who calls whom is a short list without circles',
  *check(tree: Tree): Iterable<Finding> {
    for (const file of tree.files) {
      if (file.module === null) continue
      const allowed = moduleList[file.module]
      if (allowed === undefined) {
        yield { path: file.path, line: 1, what: file.module, sentence: `is in ${file.module}, a module without a list` }
        continue
      }
      for (const { target, line } of file.imports) {
        const to = moduleOf(target)
        if (to === null || to === file.module || allowed.includes(to)) continue
        const list = allowed.length === 0 ? 'no other module' : allowed.join(', ')
        yield { path: file.path, line, what: to, sentence: `calls ${to}: ${file.module} may call ${list}` }
      }
    }
  },
}

export const moduleDoors: Rule = {
  name: 'module-doors',
  because: 'what is not in the index.ts of a module may change without asking anybody',
  *check(tree: Tree): Iterable<Finding> {
    for (const file of tree.files)
      for (const { target, specifier, line } of file.imports) {
        const to = moduleOf(target)
        if (to === null || to === file.module || specifier === `#${to}`) continue
        if (specifier === `#${to}/memory` && mayMeetTwins(file)) continue
        yield { path: file.path, line, what: target!, sentence: `reaches into ${target}: import '#${to}' instead` }
      }
    yield* crookedDoors(tree)
  },
}

/** The twins over the memory database have a door of their own: for simulations, for tests, and for each other. */
function mayMeetTwins({ folder, isTest, path }: SourceFile): boolean {
  return folder === 'sim' || isTest || /^modules\/[^/]+\/memory\//.test(path)
}

/** Every module with an index.ts has its door in package.json, and every door leads somewhere. */
function* crookedDoors(tree: Tree): Iterable<Finding> {
  const indexes = new Set(tree.files.map(file => file.path).filter(path => /^modules\/[^/]+\/index\.ts$/.test(path)))
  const twins = new Set(tree.files.map(file => file.path).filter(path => /\/memory\/index\.ts$/.test(path)))
  for (const [name, target] of Object.entries(tree.doors))
    if (!indexes.has(target) && !twins.has(target))
      yield {
        path: 'package.json',
        line: 1,
        what: name,
        sentence: `names ${name} as the door ${target}, which is not there`,
      }
  for (const path of indexes) {
    const name = `#${moduleOf(path)}`
    if (tree.doors[name] !== path)
      yield { path: 'package.json', line: 1, what: name, sentence: `lacks "${name}": "./${path}" in its imports` }
  }
}

function moduleOf(target: string | null): string | null {
  return /^modules\/([^/]+)\//.exec(target ?? '')?.[1] ?? null
}
