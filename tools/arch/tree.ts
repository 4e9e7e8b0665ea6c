import { globSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { type Import, type Scan, scan } from './scan.ts'

export type SourceFile = Omit<Scan, 'imports'> & {
  /** From the root, with slashes. */
  path: string
  text: string
  /** The first folder of the path: kernel, modules, … */
  folder: string
  /** Of files in modules/: which one. */
  module: string | null
  /** Tests, and what only tests use; it never runs in production. */
  isTest: boolean
  imports: (Import & {
    /** The file of ours that is meant, from the root; null for packages and for Node. */
    target: string | null
  })[]
}

export type Tree = {
  files: SourceFile[]
  /** The subpath imports of package.json that name one module: `#catalog` -> `modules/catalog/index.ts`. */
  doors: Record<string, string>
}

/** Folders of code. `demo`, `docs` and `deploy` hold none. */
const folders = [
  'kernel',
  'contracts',
  'modules',
  'platform',
  'apps',
  'web',
  'fans',
  'db',
  'sim',
  'proof',
  'bench',
  'tools',
  'test',
]

export function readTree(root: string): Tree {
  // The printed schema repeats what the migrations say.
  const exclude = ['**/node_modules', 'db/schema.sql']
  const paths = globSync(`{${folders.join()}}/**/*.{ts,mts,js,mjs,sql}`, { cwd: root, exclude })
  const { imports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    imports: Record<string, string>
  }
  return treeOf(Object.fromEntries(paths.map(path => [path, readFileSync(join(root, path), 'utf8')])), imports)
}

/** The tree of these files, path -> text, with these subpath imports. */
export function treeOf(texts: Record<string, string>, subpaths: Record<string, string>): Tree {
  const paths = Object.keys(texts).sort()
  return {
    files: paths.map(path => sourceFile(path, texts[path]!, subpaths)),
    doors: Object.fromEntries(
      Object.entries(subpaths)
        .filter(([name]) => !name.includes('*'))
        .map(([name, target]) => [name, posix.normalize(target)]),
    ),
  }
}

function sourceFile(path: string, text: string, subpaths: Record<string, string>): SourceFile {
  const { imports, ...views } = path.endsWith('.sql') ? scanSql(text) : scanNamed(path, text)
  const [folder = '', second = ''] = path.split('/')
  return {
    path,
    text,
    ...views,
    folder,
    module: folder === 'modules' ? second : null,
    isTest: /(^|\/)test\/|\.test\.ts$|\.contract\.ts$|\/test-[\w-]+\.ts$/.test(path),
    imports: imports.map(one => ({ ...one, target: targetOf(one.specifier, path, subpaths) })),
  }
}

function scanNamed(path: string, text: string): Scan {
  try {
    return scan(text)
  } catch (cause) {
    throw new Error(`${path}: the scanner of tools/arch lost its way: ${(cause as Error).message}`, { cause })
  }
}

function scanSql(text: string): Scan {
  const uncommented = text.replaceAll(/--.*/g, comment => ' '.repeat(comment.length))
  return { uncommented, code: uncommented, strings: uncommented, imports: [] }
}

function targetOf(specifier: string, from: string, subpaths: Record<string, string>): string | null {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier)
  if (!specifier.startsWith('#')) return null
  const exact = subpaths[specifier]
  if (exact !== undefined) return posix.normalize(exact)
  const pattern = Object.keys(subpaths).find(name => name.endsWith('*') && specifier.startsWith(name.slice(0, -1)))
  // Node refuses what package.json does not name; here it reads as a module that nobody knows.
  if (pattern === undefined) return `modules/${specifier.slice(1)}/index.ts`
  return posix.normalize(subpaths[pattern]!.replace('*', specifier.slice(pattern.length - 1)))
}
