import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readTree } from '../../arch/tree.ts'

// Who is woken by an alert must find the page that begins with its words, and both must speak of metrics that there are.

const root = fileURLToPath(new URL('../../../', import.meta.url))
const read = (path: string) => readFileSync(root + path, 'utf8')
const alerts = read('deploy/prometheus/alerts.yml')
const runbooks = globSync('docs/runbooks/*.md', { cwd: root })
  .filter(path => !path.endsWith('README.md'))
  .map(path => ({ path, text: read(path) }))
/** Pages for what a person decides, to which no alert leads. */
const procedures = ['docs/runbooks/failover.md', 'docs/runbooks/restore.md']

test('every alert has a runbook that begins with its text and names it, and every runbook an alert', () => {
  const rules = alerts.split('- alert: ').slice(1)
  const named = rules.map(rule => {
    const [alert] = rule.split('\n')
    const summary = /summary: (.+)/.exec(rule)![1]!
    const path = /runbook: (.+)/.exec(rule)![1]!
    const text = runbooks.find(runbook => runbook.path === path)?.text ?? ''
    assert.equal(text.split('\n')[0], `# ${summary}`, path)
    assert.ok(text.includes(`\`${alert}\``), `${path} names ${alert}`)
    assert.ok(read('docs/runbooks/README.md').includes(`| ${alert} | [${summary}](`), `the list has ${alert}`)
    return path
  })
  assert.deepEqual([...named, ...procedures].sort(), runbooks.map(runbook => runbook.path).sort())
  for (const path of procedures)
    assert.ok(read('docs/runbooks/README.md').includes(`](${path.split('/').at(-1)})`), path)
})

test('alerts and runbooks name only metrics that the program has', () => {
  const code = readTree(root).files.filter(
    ({ path }) => /^(apps|modules|platform)\//.test(path) && !/\/test\//.test(path),
  )
  const metrics = new Set(
    code.flatMap(({ text }) => Array.from(text.matchAll(/'(holdfast_[a-z_]+)'/g), match => match[1])),
  )
  for (const { path, text } of [...runbooks, { path: 'deploy/prometheus/alerts.yml', text: alerts }])
    for (const [name] of text.matchAll(/\bholdfast_[a-z_]+\b/g))
      assert.ok(metrics.has(name), `${path} names ${name}, which no code sets`)
})
