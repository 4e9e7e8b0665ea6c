import { fileURLToPath } from 'node:url'
import { allowances } from './allowances.ts'
import { describe, judge } from './judge.ts'
import { rules } from './rules.ts'
import { readTree } from './tree.ts'

// `node tools/arch/run.ts`: judges the whole tree by the house rules.
const tree = readTree(fileURLToPath(new URL('../../', import.meta.url)))
const verdicts = judge(tree, rules, allowances)
if (verdicts.length === 0) console.log(`${tree.files.length} files keep ${rules.length} rules.`)
else {
  console.error(describe(verdicts))
  process.exitCode = 1
}
