import type { Finding, Rule } from '../judge.ts'
import { lineOf } from '../scan.ts'
import type { SourceFile, Tree } from '../tree.ts'
import { isProduct } from './layers.ts'

/** Time and chance that come from nowhere. `setImmediate` and microtasks only order what happens now. */
const unpredictable =
  /\b(Date\.now|Math\.random|performance\.now|process\.hrtime|AbortSignal\.timeout|scheduler\.wait|set(?:Timeout|Interval)|random(?:Bytes|UUID|UUIDv7|Int|FillSync|Fill)|getRandomValues)\b|\bnew (Date)\(\)|(?<!new )\b(Date)\(/g

export const ambientTime: Rule = {
  name: 'ambient-time-and-chance',
  because:
    'a simulation replays only what comes through the Clock and the Random it was given (kernel/clock.ts, random.ts)',
  *check(tree: Tree): Iterable<Finding> {
    for (const file of tree.files.filter(isSimulated)) {
      for (const match of file.code.matchAll(unpredictable)) {
        const what = match[1] ?? match[2] ?? match[3]!
        yield { path: file.path, line: lineOf(file.code, match.index), what, sentence: `uses ${match[0]}` }
      }
    }
  },
}

/** The programs in apps/ are not: there the real time and chance come in, and a simulation is put together in their place. */
function isSimulated(file: SourceFile): boolean {
  return isProduct(file) && file.folder !== 'apps'
}

export const environment: Rule = {
  name: 'environment',
  because:
    'settings are declared, checked and told together in platform/config; a variable read elsewhere is none of that',
  *check(tree: Tree): Iterable<Finding> {
    for (const file of tree.files) {
      if (!isProduct(file) && file.folder !== 'fans' && file.folder !== 'sim' && file.folder !== 'proof') continue
      for (const match of file.code.matchAll(/\bprocess\.env\b/g))
        yield { path: file.path, line: lineOf(file.code, match.index), what: match[0], sentence: 'reads process.env' }
    }
  },
}
