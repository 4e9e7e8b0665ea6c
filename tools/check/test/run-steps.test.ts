import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runSteps } from '../run-steps.ts'
import { type Step, steps } from '../steps.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const says = (name: string, script: string): Step => ({ name, run: ['-e', script], remedy: `See to ${name}.` })

test('all steps run, what failed is shown with its remedy and named at the end', async () => {
  const { passed, text } = await run([
    says('one', 'console.log("one is fine")'),
    says('two', 'console.log("two is not"); console.error("as expected"); process.exit(3)'),
    says('three', 'process.kill(process.pid, "SIGKILL")'),
    says('four', ''),
  ])
  assert.equal(passed, false)
  assert.match(text, /^one +ok +[\d.]+ s\ntwo +FAILED +[\d.]+ s\n {4}two is not\n {4}as expected\n {4}See to two\.\n/)
  assert.match(text, /\nthree +FAILED .*\nfour +ok /s)
  assert.match(text, /\nFailed: two, three\. Again: npm run check -- two three\n$/)
})

test('when all went well there is nothing to read', async () => {
  const { passed, text } = await run([says('one', 'console.log("one is fine")')])
  assert.equal(passed, true)
  assert.match(text, /^one +ok +[\d.]+ s\n$/)
})

test('every step has its script', () => {
  for (const { run } of steps) assert.ok(existsSync(root + run[0]), run[0])
})

async function run(chosen: Step[]): Promise<{ passed: boolean; text: string }> {
  let text = ''
  const passed = await runSteps(chosen, root, more => {
    text += more
  })
  return { passed, text }
}
