import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const runner = fileURLToPath(new URL('../run.ts', import.meta.url))

test('all files pass, are counted, and the run succeeds', async t => {
  const { code, output } = await runIn(t, {
    'a.test.ts': `import { test } from 'node:test'; test('one', () => {}); test('two', () => {})`,
    'b.test.ts': `import { test } from 'node:test'; test('three', () => {})`,
    'c.slow.test.ts': `throw new Error('slow tests are for npm run test:slow')`,
  })
  assert.equal(code, 0, output)
  assert.match(output, /ℹ tests 3\nℹ suites 0\nℹ pass 3\nℹ fail 0\n/)
})

test('one failure fails the run; how to repeat it and the counts stand at the end', async t => {
  const { code, output } = await runIn(t, {
    'a.test.ts': `import { test } from 'node:test'; test('good', () => {})`,
    'b.test.ts': `import { test } from 'node:test'; test('bad', () => { throw new Error('as expected') })`,
  })
  assert.equal(code, 1)
  assert.match(output, /HOLDFAST_TEST_SEED=\d+ npm test -- b\.test\.ts\n\nℹ tests 2\nℹ pass 1\nℹ fail 1\n$/)
})

test('a file that cannot be loaded fails the run', async t => {
  const { code } = await runIn(t, { 'a.test.ts': `import './gone.ts'` })
  assert.equal(code, 1)
})

test('a file that leaves something open is named with what it left, instead of hanging', async t => {
  const { code, output } = await runIn(t, {
    'a.test.ts': `import net from 'node:net'; import { test } from 'node:test'; test('listens', () => void net.createServer().listen(0))`,
  })
  assert.equal(code, 1)
  assert.match(output, /the file has left something open: TCPServerWrap/)
})

test('what is closed after the tests was not left open', async t => {
  const { code, output } = await runIn(t, {
    'a.test.ts': `import net from 'node:net'; import { after, test } from 'node:test'
      const server = net.createServer(); after(() => server.close()); test('listens', () => void server.listen(0))`,
  })
  assert.equal(code, 0, output)
})

test('properties are tried with the pinned seed, or with the one that was asked for', async t => {
  const files = {
    'a.test.ts': `import fc from 'fast-check'; import { readConfigureGlobal } from 'fast-check'
      console.log('seeds', fc.readConfigureGlobal().seed, readConfigureGlobal().seed)`,
  }
  assert.match((await runIn(t, files)).output, /seeds 20261121 20261121/)
  assert.match((await runIn(t, files, { env: { HOLDFAST_TEST_SEED: '7' } })).output, /seeds 7 7/)
})

test('a part of a path chooses files; one that matches nothing is told', async t => {
  const files = {
    'one.test.ts': `import { test } from 'node:test'; test('one', () => {})`,
    'two.test.ts': `throw new Error('was not asked for')`,
    'three.slow.test.ts': `import { test } from 'node:test'; test('three', () => {})`,
  }
  assert.match((await runIn(t, files, { args: ['one'] })).output, /ℹ tests 1\n/)
  assert.match((await runIn(t, files, { args: ['--slow', './three.slow'] })).output, /ℹ tests 1\n/)
  const slow = await runIn(t, files, { args: ['three'] })
  assert.deepEqual(
    [slow.code, slow.output],
    [1, 'Only tests of the other kind match. Run: npm run test:slow -- three\n'],
  )
  const none = await runIn(t, files, { args: ['four'] })
  assert.deepEqual([none.code, none.output], [1, 'No test file matches four.\n'])
})

async function runIn(
  t: TestContext,
  files: Record<string, string>,
  { args = [], env = {} }: { args?: string[]; env?: Record<string, string> } = {},
): Promise<{ code: number; output: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-runner-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  // NODE_TEST_CONTEXT would tell the inner run that it is a test file of the outer one.
  const { NODE_TEST_CONTEXT: _context, HOLDFAST_TEST_SEED: _seed, ...outside } = process.env
  // No server: none of these files says that it needs PostgreSQL.
  const quick = { HOLDFAST_TEST_POSTGRES: 'postgres://unused', HOLDFAST_TEST_LEAK_MS: '300' }
  return new Promise(resolve => {
    const options = { cwd: folder, env: { ...outside, ...quick, ...env } }
    execFile(process.execPath, [runner, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }),
    )
  })
}
