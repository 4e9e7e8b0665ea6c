import type { Tree } from './tree.ts'

/** A place that breaks a rule. `what` is the word, package or file that is wrong there; an allowance names it. */
export type Finding = { path: string; line: number; what: string; sentence: string }

export type Rule = {
  name: string
  /** What goes wrong without it; printed beside the findings. */
  because: string
  check: (tree: Tree) => Iterable<Finding>
}

/** An exception that somebody decided. A path that ends with a slash allows it in the whole folder. */
export type Allowance = { rule: string; path: string; what: string; reason: string }

export type Verdict = { rule: Rule; findings: Finding[] }

/** What breaks the rules and is not allowed. Allowances that allow nothing any more are findings themselves. */
export function judge(tree: Tree, rules: readonly Rule[], allowances: readonly Allowance[]): Verdict[] {
  const used = new Set<Allowance>()
  const verdicts = rules.map(rule => ({
    rule,
    findings: [...rule.check(tree)].filter(finding => {
      const allowance = allowances.find(one => one.rule === rule.name && allows(one, finding))
      if (allowance !== undefined) used.add(allowance)
      return allowance === undefined
    }),
  }))
  const idle = allowances.filter(one => !used.has(one))
  return [...verdicts, { rule: noIdleAllowance, findings: idle.map(idleFinding) }].filter(
    verdict => verdict.findings.length > 0,
  )
}

/** The findings as lines for a terminal, each beginning with `path:line`. */
export function describe(verdicts: Verdict[]): string {
  return verdicts
    .map(({ rule, findings }) =>
      [
        `${rule.name}: ${rule.because}`,
        ...findings.map(({ path, line, sentence }) => `  ${path}:${line} ${sentence}`),
      ].join('\n'),
    )
    .join('\n\n')
}

function allows(allowance: Allowance, { path, what }: Finding): boolean {
  if (allowance.what !== what) return false
  return allowance.path.endsWith('/') ? path.startsWith(allowance.path) : path === allowance.path
}

const noIdleAllowance: Rule = {
  name: 'idle-allowance',
  because: 'an exception that nothing needs any more would hide the next mistake',
  check: () => [],
}

function idleFinding({ rule, path, what }: Allowance): Finding {
  const sentence = `allows ${JSON.stringify(what)} in ${path} against the rule "${rule}", but nothing there needs it`
  return { path: 'tools/arch/allowances.ts', line: 1, what, sentence }
}
