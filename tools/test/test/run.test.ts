import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { judgedByTheClock, testFiles } from '../select-files.ts'

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

test('who is judged by the clock runs after all others and alone, in one run with one account', async t => {
  const noted = (name: string, ms: number, more = '') =>
    `import { test } from 'node:test'; import { setTimeout as wait } from 'node:timers/promises'
     test('${name}', async () => {
       const from = Date.now(); await wait(${ms}); console.log('ran ${name}', from, Date.now())
       ${more}
     })`
  const { code, output } = await runIn(
    t,
    {
      'a.slow.test.ts': noted('a', 500),
      'z.slow.test.ts': noted('z', 500, `throw new Error('as expected')`),
      [judgedByTheClock[0]!]: noted('first', 100),
      [judgedByTheClock[1]!]: noted('second', 100),
    },
    { args: ['--slow'] },
  )
  assert.equal(code, 1, output)
  const ran = Object.fromEntries(
    [...output.matchAll(/^ran (\w+) (\d+) (\d+)/gm)].map(([, name, from, to]) => [name, [Number(from), Number(to)]]),
  ) as Record<'a' | 'z' | 'first' | 'second', [number, number]>
  assert.ok(ran.a[0] < ran.z[1] && ran.z[0] < ran.a[1], 'side by side')
  assert.ok(ran.first[0] >= Math.max(ran.a[1], ran.z[1]), 'after them')
  assert.ok(ran.second[0] >= ran.first[1], 'alone')
  assert.match(output, /ℹ tests 4\nℹ suites 0\nℹ pass 3\nℹ fail 1\n/)
  assert.match(output, /npm run test:slow -- z\.slow\.test\.ts\n\nℹ tests 4\nℹ pass 3\nℹ fail 1\n$/)
})

test('every file that is judged by the clock is there', () => {
  const { slow } = testFiles(fileURLToPath(new URL('../../..', import.meta.url)))
  assert.deepEqual(
    judgedByTheClock.filter(file => !slow.includes(file)),
    [],
  )
})

async function runIn(
  t: TestContext,
  files: Record<string, string>,
  { args = [], env = {} }: { args?: string[]; env?: Record<string, string> } = {},
): Promise<{ code: number; output: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-runner-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
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
