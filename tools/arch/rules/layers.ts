import type { Finding, Rule } from '../judge.ts'
import type { SourceFile, Tree } from '../tree.ts'

/**
 * The layout: which folder may import which. kernel <- contracts <- modules <- apps; adapters import platform. What stands
 * beside the product may know all of it, but for the fans, who know no more of us than what goes over the wire.
 */
const mayImport: Record<string, readonly string[]> = {
  kernel: [],
  contracts: ['kernel'],
  platform: ['kernel'],
  modules: ['kernel', 'contracts', 'platform'],
  apps: ['kernel', 'contracts', 'platform', 'modules'],
  web: ['contracts'],
  fans: ['kernel', 'contracts'],
  sim: ['kernel', 'contracts', 'platform', 'modules'],
  // Runs the whole thing and hurts it; it borrows the wires and the processes of the tests.
  proof: ['kernel', 'contracts', 'platform', 'modules', 'fans', 'test'],
  bench: ['kernel', 'contracts', 'platform', 'modules', 'apps', 'fans'],
  tools: ['kernel', 'contracts', 'platform', 'modules', 'apps', 'fans', 'sim', 'proof', 'bench', 'test'],
  // The whole installation, from outside: its processes over HTTP, its tables, and what makes its tokens.
  test: ['kernel', 'contracts', 'platform', 'modules', 'fans'],
  db: [],
}

/** Folders that ship. What only tests use stays out of them. */
const productFolders = ['kernel', 'contracts', 'platform', 'modules', 'apps', 'web']

export function isProduct(file: SourceFile): boolean {
  return productFolders.includes(file.folder) && !file.isTest
}

export const layers: Rule = {
  name: 'layers',
  because: 'calls go down the layers, news goes up as messages; an import upwards makes two parts one',
  *check(tree: Tree) {
    for (const file of tree.files)
      for (const { target, line } of file.imports) {
        // Files of the root, such as package.json, belong to no layer.
        if (!target?.includes('/')) continue
        const to = target.split('/')[0]!
        if (to === file.folder || mayImport[file.folder]?.includes(to)) continue
        yield { path: file.path, line, what: target, sentence: sentence(file.folder, to, target) }
      }
  },
}

function sentence(from: string, to: string, target: string): string {
  const allowed = mayImport[from]
  if (allowed === undefined) return `is in ${from}/, which is no folder of the layout`
  const list = allowed.length === 0 ? 'nothing of ours' : allowed.join(', ')
  return `imports ${target}: ${from}/ may import ${list}, not ${to}/`
}

export const testsStayApart: Rule = {
  name: 'tests-stay-apart',
  because: 'what was made for tests (clocks that jump, stores that forget) must not run in production',
  *check(tree: Tree): Iterable<Finding> {
    const tests = new Set(tree.files.filter(file => file.isTest).map(file => file.path))
    for (const file of tree.files.filter(isProduct))
      for (const { target, line } of file.imports)
        if (target !== null && tests.has(target))
          yield { path: file.path, line, what: target, sentence: `imports ${target}, which is for tests` }
  },
}
