import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { configReference } from '#platform/config/explain.ts'
import { holdfast } from './run.ts'

const commands = [['start'], ['migrate'], ['import'], ['import-demo'], ['audit'], ['config', 'explain'], ['doctor']]

test('the help lists every command and shows examples', async () => {
  const { code, stdout } = await holdfast(['--help'])
  assert.equal(code, 0)
  for (const [command] of commands) assert.match(stdout, new RegExp(`^  ${command} `, 'm'))
  assert.match(stdout, /Examples:\n +holdfast start/)
})

for (const command of commands)
  test(`the help of ${command.join(' ')} shows a call and knows --json`, async () => {
    const { code, stdout } = await holdfast([...command, '--help'])
    assert.equal(code, 0)
    assert.match(stdout, /--json/)
    assert.match(stdout, new RegExp(`^ +.*holdfast ${command.join(' ')}`, 'm'))
  })

suite('a call that is wrong', () => {
  const wrong: [string, string[], RegExp][] = [
    ['an unknown command', ['strat'], /unknown command 'strat' \(Did you mean start\?\)/],
    ['an unknown flag', ['doctor', '--jsno'], /unknown option '--jsno' \(Did you mean --json\?\)/],
    ['a missing argument', ['import'], /missing required argument 'file'/],
    ['one argument too many', ['migrate', 'now'], /too many arguments/],
    ['a flag without its value', ['start', '--port'], /argument missing/],
    ['no venue', ['import', 'x.json'], /x\.json cannot be read \(ENOENT\)/],
  ]
  for (const [name, argv, sentence] of wrong)
    test(`${name} is told in a sentence, with exit code 2 and no stack`, async () => {
      const { code, stdout, stderr } = await holdfast(argv)
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, sentence)
      assert.doesNotMatch(stderr, /\n +at /)
    })

  test('with --json it is an object on the last line of standard output', async () => {
    const { code, json } = await holdfast(['migrate', '--json', '--nope'])
    assert.equal(code, 2)
    assert.match(json().error, /unknown option '--nope'/)
  })

  test('wrong settings are told together', async () => {
    const { code, stderr } = await holdfast(['migrate'], { env: { PORT: 'http', HOLDFAST_ROLE: 'api' } })
    assert.equal(code, 2)
    assert.match(
      stderr,
      /2 settings are wrong:\n {2}- HOLDFAST_ROLE is not .* did you mean HOLDFAST_ROLES\?\n {2}- PORT must be/,
    )
  })
})

suite('a failure', () => {
  const env = { DATABASE_URL: 'postgres://holdfast:of-the-test@127.0.0.1:1/holdfast' }

  test('is one sentence, without a stack or a secret', async () => {
    const { code, stderr } = await holdfast(['migrate'], { env })
    assert.equal(code, 1)
    assert.equal(stderr, 'holdfast: the database is not reachable (connect ECONNREFUSED 127.0.0.1:1)\n')
  })

  test('shows where it happened with --verbose, still without a secret', async () => {
    const { stderr } = await holdfast(['migrate', '--verbose'], { env })
    assert.match(stderr, /\n +at .*\ncaused by: /s)
    assert.ok(!stderr.includes('of-the-test'))
  })
})

suite('config explain', () => {
  test('says what each setting is now, and hides secrets', async () => {
    const env = { PORT: '8080', HOLDFAST_TOKEN_SECRET: 'a secret of more than thirty-two characters' }
    const { code, stdout } = await holdfast(['config', 'explain'], { env })
    assert.equal(code, 0)
    assert.match(stdout, /^PORT = 8080\n.*\n.*default 3000$/m)
    assert.match(stdout, /^HOLDFAST_TOKEN_SECRET = \(set, not shown\)$/m)
    assert.match(stdout, /^HOLDFAST_DRAIN_SECONDS = 25 seconds$/m)
    const { json } = await holdfast(['config', 'explain', '--json'], { env })
    assert.ok(!JSON.stringify(json()).includes(env.HOLDFAST_TOKEN_SECRET))
  })

  test('prints the reference page', async () => {
    const { stdout } = await holdfast(['config', 'explain', '--markdown'])
    assert.equal(stdout, configReference())
  })
})

test('the door runs as a program of its own', () => {
  const door = fileURLToPath(new URL('../holdfast.mjs', import.meta.url))
  const ran = spawnSync(process.execPath, [door, 'config', 'explain', '--json'], { encoding: 'utf8', env: {} })
  assert.deepEqual([ran.status, ran.stderr], [0, ''])
  assert.ok(Array.isArray(JSON.parse(ran.stdout).settings))
})
